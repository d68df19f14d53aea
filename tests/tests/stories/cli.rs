//! The command line as a new user meets it: every command, its outputs, its messages and its exit codes, on a
//! real cluster, a real folder and a real bucket. All of it on one control plane.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bastion_tests::{
    Api, Bastion, Context as _, ControlPlane, Minio, Result, S3Proxy, TestDir, minio::repo_url, programs,
    programs::Output, say,
};
use serde_json::{Value, json};

mod damage;
mod deletions;
mod mistakes;
mod outputs;
mod storages;
mod tour;

/// A cluster with a namespace `shop`, and an S3 server with a bucket `backups` behind a proxy.
pub(crate) struct Town {
    pub(crate) cluster: ControlPlane,
    pub(crate) api: Api,
    pub(crate) minio: Minio,
    pub(crate) proxy: S3Proxy,
    pub(crate) dir: TestDir,
}

impl Town {
    /// `bastion` with a repository in a folder that is not made yet.
    pub(crate) async fn folder(&self, name: &str) -> Result<(Bastion, PathBuf)> {
        let path = self.dir.path().join(name);
        let bastion = Bastion::new(&format!("file://{}", path.display()), &self.cluster.kubeconfig()?).await?;
        Ok((bastion, path))
    }

    /// `bastion` with a repository in a bucket.
    pub(crate) async fn bucket(&self, bucket: &str, prefix: &str) -> Result<Bastion> {
        Bastion::new(&repo_url(bucket, prefix, self.proxy.port()), &self.cluster.kubeconfig()?).await
    }

    /// A `ConfigMap` in namespace shop, made or changed.
    pub(crate) async fn config(&self, name: &str, data: Value) -> Result<()> {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "shop", "labels": {"app": "web"}}, "data": data});
        self.api.apply(&config_path(name), &object).await.context("ConfigMap").map(drop)
    }
}

/// Path of a `ConfigMap` in namespace shop.
pub(crate) fn config_path(name: &str) -> String {
    format!("/api/v1/namespaces/shop/configmaps/{name}")
}

/// Runs a command and holds it to its exit code and to what it says. An error is printed once.
pub(crate) async fn says(bastion: &Bastion, args: &[&str], code: i32, parts: &[&str]) -> Result<Output> {
    let started = Instant::now();
    let said = bastion.run(args).await?;
    say(&format!("bastion {}: {} after {:.1} s", args.join(" "), said.code, started.elapsed().as_secs_f32()));
    let whole = format!("`bastion {}` ended with {}:\n{}", args.join(" "), said.code, said.text());
    assert_eq!(said.code, code, "{whole}");
    for part in parts {
        assert!(said.text().contains(part), "nothing of {part:?}: {whole}");
    }
    let errors = said.stderr.lines().filter(|line| line.starts_with("error:") || line.contains("ERROR")).count();
    assert!(errors <= 1, "said twice: {whole}");
    Ok(said)
}

/// Every file below a folder, by its path in there.
pub(crate) fn files(root: &Path) -> Vec<String> {
    fn walk(dir: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_at_the_command_line() -> Result<()> {
    let (cluster, minio) = tokio::join!(ControlPlane::start("town"), Minio::start());
    let (cluster, minio) = (cluster?, minio?);
    minio.bucket("backups").await?;
    let proxy = S3Proxy::start(minio.port()).await?;
    cluster.namespace("shop").await?;
    let town = Town { api: cluster.api().await?, cluster, minio, proxy, dir: TestDir::new("town")? };
    tour::a_first_hour(&town).await?;
    tour::a_live_object_is_read_as_the_saved_one(&town).await?;
    mistakes::typos_are_found_and_named(&town).await?;
    mistakes::secrets_are_refused_in_the_clear(&town).await?;
    mistakes::a_kind_that_may_not_be_listed_is_named_and_the_others_go_on(&town).await?;
    mistakes::another_cluster_under_a_known_name_writes_nothing(&town).await?;
    deletions::many_at_once_wait_for_a_person(&town).await?;
    storages::a_missing_bucket_and_wrong_credentials_are_named(&town).await?;
    storages::an_interrupted_backup_says_so_and_the_next_goes_on(&town).await?;
    storages::a_second_watch_takes_over_and_the_first_says_so(&town).await?;
    outputs::a_watch_outlives_its_reader(&town).await?;
    outputs::a_reader_that_stalls_holds_nothing_up(&town).await?;
    outputs::who_stops_reading_changes_no_exit_code(&town).await?;
    damage::every_damaged_or_missing_file_is_named(&town).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_server_every_error_comes_soon() -> Result<()> {
    let dir = TestDir::new("nowhere")?;
    let nobody = dir.path().join("nobody.kubeconfig");
    let port = bastion_tests::ports::free()?;
    let server = format!("https://127.0.0.1:{port}");
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "nobody",
        "clusters": [{"name": "nobody", "cluster": {"server": server}}],
        "users": [{"name": "nobody", "user": {"token": "x"}}],
        "contexts": [{"name": "nobody", "context": {"cluster": "nobody", "user": "nobody"}}]});
    std::fs::write(&nobody, config.to_string()).context("kubeconfig")?;
    let binary =
        tokio::task::spawn_blocking(|| programs::binary("bastion-cli", "bastion")).await.context("build")??;
    let folder = dir.path().join("repo").display().to_string();
    let bastion = Bastion::with_binary(&binary, &folder, &nobody)?;
    says(&bastion, &["init"], 0, &["created repository"]).await?;

    let started = Instant::now();
    let unreachable = ["the API server cannot be reached", server.as_str(), "try:"];
    says(&bastion, &["backup", "--all"], 1, &unreachable).await?;
    says(&bastion, &["watch", "--all"], 1, &unreachable).await?;
    says(&bastion, &["status"], 0, &["Nothing was backed up yet", "the API server cannot be reached"]).await?;
    says(&bastion, &["--context", "other", "backup"], 1, &["no context \"other\"", "nobody"]).await?;
    says(&bastion, &["--kubeconfig", "/no/such", "backup"], 1, &["kubeconfig /no/such cannot be used", "No such file"])
        .await?;

    // Without any kubeconfig, and with one that is named and not there.
    let home = dir.path().join("home").display().to_string();
    let lost = Bastion::with_binary(&binary, &folder, Path::new(""))?.env("HOME", &home).env("KUBECONFIG", "");
    says(&lost, &["backup"], 1, &["no kubeconfig was found", "--kubeconfig"]).await?;
    let lost = Bastion::with_binary(&binary, &folder, Path::new("/no/such"))?;
    says(&lost, &["backup"], 1, &["kubeconfig /no/such cannot be used"]).await?;

    // No S3 server, no credentials.
    let url = format!("s3://backups/x?endpoint=http://127.0.0.1:{port}");
    let away = Bastion::new(&url, &nobody).await?;
    says(&away, &["ls"], 1, &["the storage is unavailable", "refused", &url]).await?;
    let keyless = Bastion::with_binary(&binary, &url, &nobody)?.env("HOME", &home);
    let keyless = keyless.env("AWS_EC2_METADATA_DISABLED", "true");
    let said = says(&keyless, &["ls"], 1, &["no usable credentials", "AWS_ACCESS_KEY_ID"]).await?;
    assert!(!said.stderr.contains("WARN"), "{}", said.stderr);
    let took = started.elapsed();
    assert!(took < Duration::from_mins(1), "eleven errors took {took:?}");
    Ok(())
}
