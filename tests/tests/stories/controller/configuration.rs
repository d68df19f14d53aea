//! What is wrong is said before anything runs, with the key's name.

use std::fs;

use bastion_tests::{Context as _, Program, Result, TestDir, programs::binary};

use super::deploy;

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_names_the_key_and_ends_with_2() -> Result<()> {
    let dir = TestDir::new("configuration")?;
    let binary = binary("bastion-controller", "bastion-controller")?;
    let file = dir.path().join("config.yaml");
    let config = file.display().to_string();
    let run = async |name: &str, args: &[&str], env: &[(&str, &str)]| -> Result<(i32, String)> {
        let program = Program::new(name, &binary, dir.path()).args(args.iter().copied());
        let program = Program { isolated: true, ..program };
        let mut process = env.iter().fold(program, |program, (name, value)| program.env(name, *value)).start()?;
        let status = process.wait(crate::stage::SOON).await?;
        Ok((status.code().unwrap_or(-1), process.log()))
    };
    let given = ["--config", config.as_str()];
    for (number, (yaml, variable, wanted)) in [
        ("repository: file:///a", None, "repository"),
        ("repo: file:///a\nengine: {workers: {floor: 9, ceiling: 2}}", None, "engine.workers.floor"),
        ("repo: file:///a\nengine: {queueBytes: lots}", None, "engine.queueBytes"),
        ("repo: file:///a\nleader: {retry: 1m}", None, "leader.retry"),
        ("repo: file:///a", Some(("BASTION_LOG_FORMAT", "xml")), "log.format"),
        ("repo: file:///a", Some(("BASTION_REPOSITORY", "b")), "BASTION_REPOSITORY"),
        ("repo: file:///a\nlog: {filter: 'bastion=loud'}", None, "log.filter"),
        ("repo: ftp://a", None, "ftp"),
    ]
    .into_iter()
    .enumerate()
    {
        fs::write(&file, yaml).context("config")?;
        let (code, text) = run(&format!("wrong-{number}"), &given, variable.as_slice()).await?;
        assert_eq!(code, 2, "{yaml}: {text}");
        assert!(text.contains(wanted), "no {wanted:?} in {text}");
    }
    let (code, text) = run("missing", &["--config", "/nowhere.yaml"], &[]).await?;
    assert!(code == 2 && text.contains("/nowhere.yaml"), "{text}");

    // The one that is deployed, as it will be.
    let manifest: serde_json::Value =
        serde_saphyr::from_str(&fs::read_to_string(deploy("config.yaml")).context("config")?).context("config")?;
    fs::write(&file, manifest["data"]["config.yaml"].as_str().unwrap()).context("config")?;
    let (code, text) = run("print", &[&given[..], &["--print-config"]].concat(), &[("BASTION_TREE", "true")]).await?;
    assert!(code == 0 && text.contains("tree: true") && text.contains("cluster: production"), "{code} {text}");

    // Help that is enough to begin with.
    let (code, help) = run("help", &["--help"], &[]).await?;
    assert_eq!(code, 0);
    for word in
        ["repo: s3://", "mode: annotated", "BASTION_SELECTION_MODE", "/readyz", "/metrics", "Exit codes", "deploy/"]
    {
        assert!(help.contains(word), "no {word:?} in\n{help}");
    }
    Ok(())
}
