//! Buckets that are not there, keys that are not right, and being stopped halfway.

use bastion_tests::{
    Bastion, Result,
    minio::repo_url,
    s3_proxy::{Action, Moment},
    wait,
};
use rustix::process::Signal;
use serde_json::json;

use super::{Town, says};
use crate::stage::SOON;

/// Each error names the bucket or the key, says what the server said, and leaves nothing behind.
pub(crate) async fn a_missing_bucket_and_wrong_credentials_are_named(town: &Town) -> Result<()> {
    let missing = town.bucket("missing", "x").await?;
    for verb in [["init", "-v"], ["backup", "--all"], ["ls", "-A"]] {
        says(&missing, &verb, 1, &["bucket missing at http://127.0.0.1", "NoSuchBucket", "create the bucket"]).await?;
    }
    let bastion = town.bucket("backups", "keys").await?;
    says(&bastion, &["ls"], 1, &["no bastion.json", "bastion init"]).await?;
    says(&bastion, &["init"], 0, &["created repository"]).await?;
    let url = repo_url("backups", "keys", town.minio.port());
    let kubeconfig = town.cluster.kubeconfig()?;
    let wrong = Bastion::new(&url, &kubeconfig).await?.env("AWS_SECRET_ACCESS_KEY", "wrong");
    let nobody = Bastion::new(&url, &kubeconfig).await?.env("AWS_ACCESS_KEY_ID", "nobody");
    for verb in [["backup", "--all"], ["watch", "--all"], ["ls", "-A"]] {
        says(&wrong, &verb, 1, &["denied", "SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"]).await?;
        says(&nobody, &verb, 1, &["denied", "InvalidAccessKeyId", "check the credentials"]).await?;
    }
    says(&bastion, &["backup", "-n", "shop"], 0, &["saved"]).await?;
    says(&bastion, &["ls", "cm/prices", "-n", "shop"], 0, &["prices"]).await.map(drop)
}

/// Ctrl-C while a commit is under way: what was acknowledged stays, the exit code says "interrupted", and the
/// same command again saves the rest.
pub(crate) async fn an_interrupted_backup_says_so_and_the_next_goes_on(town: &Town) -> Result<()> {
    let bastion = town.bucket("backups", "interrupted").await?;
    bastion.ok(&["init"]).await?;
    let slow = std::time::Duration::from_secs(2);
    town.proxy.hook(move |moment, e| {
        if moment == Moment::BeforeResponse && e.path.contains("/log/") { Action::Delay(slow) } else { Action::Pass }
    });
    let seen = town.proxy.exchanges().len();
    let mut backup = bastion.start(&["backup", "--all"])?;
    wait::until_true("the first commit to be under way", SOON, || {
        town.proxy.exchanges()[seen..].iter().any(|e| e.method == "PUT" && e.path.contains("/log/"))
    })
    .await?;
    backup.signal(Signal::INT)?;
    let ended = backup.wait(SOON).await?;
    town.proxy.hook(|_, _| Action::Pass);
    assert_eq!(ended.code(), Some(130), "{}", backup.log());
    assert!(backup.log().contains("interrupted; what was saved is safe"), "{}", backup.log());
    let acknowledged = town.proxy.exchanges()[seen..].iter().filter(|e| e.is_acknowledged_put()).count();
    assert!(acknowledged > 0);
    says(&bastion, &["backup", "--all"], 0, &["ClusterRole", "saved"]).await?;
    says(&bastion, &["backup", "--all"], 0, &[" 0 saved"]).await?;
    says(&bastion, &["verify"], 0, &["everything is as it was written"]).await.map(drop)
}

/// A second `watch` of the same log takes over; the first says which, and ends with 7. Ctrl-C ends the second
/// with 0, and nothing is lost between the two.
pub(crate) async fn a_second_watch_takes_over_and_the_first_says_so(town: &Town) -> Result<()> {
    let bastion = town.bucket("backups", "watches").await?;
    bastion.ok(&["init"]).await?;
    let watch = ["watch", "-n", "shop", "-k", "cm"];
    let mut first = bastion.start(&watch)?;
    wait::until_true("the first watch to save", SOON, || first.log().contains("saved ConfigMap shop/prices")).await?;
    let mut second = bastion.start(&[watch.as_slice(), &["-o", "json"]].concat())?;
    wait::until_true("the second watch to start", SOON, || second.log().contains("\"started\"")).await?;
    let seen = async |value: &str| -> Result<()> {
        town.config("prices", json!({"apple": value})).await?;
        wait::until("the change to be saved", SOON, async || {
            let shown = bastion.run(&["show", "cm/prices", "-n", "shop"]).await?;
            Ok(shown.stdout.contains(value).then_some(()))
        })
        .await
    };
    seen("after the takeover").await?;
    let ended = first.wait(SOON).await?;
    assert_eq!(ended.code(), Some(7), "{}", first.log());
    for part in ["took over (epoch 2, ours was 1)", "this one stops", "nothing is lost"] {
        assert!(first.log().contains(part), "{}", first.log());
    }
    assert_eq!(first.log().matches("took over").count(), 1, "said once: {}", first.log());
    seen("by the second alone").await?;
    second.signal(Signal::INT)?;
    assert_eq!(second.wait(SOON).await?.code(), Some(0), "{}", second.log());
    assert!(second.log().contains("\"stopped\""), "{}", second.log());
    says(&bastion, &["verify"], 0, &["everything is as it was written"]).await.map(drop)
}
