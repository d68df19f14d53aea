//! The filesystem store in processes of its own: killed, without space, without rights, watched by strace.
#![cfg(all(feature = "fs", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use bastion_core::store::{Key, Prefix, PutOptions, Store, StoreError};
use bastion_storage::FsStore;
use bastion_test_tools::Need;
use futures::TryStreamExt;

/// Says which part a child of this test plays, and where.
const PART: &str = "BASTION_TEST_PART";
const FOLDER: &str = "BASTION_TEST_FOLDER";

/// This same program with only [`child`] in it.
fn child_command(wrapper: &[&str], part: &str, folder: &Path) -> Command {
    let me = std::env::current_exe().unwrap();
    let mut words = wrapper.iter().map(Into::into).chain([me.into_os_string()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(PART, part).env(FOLDER, folder).stderr(Stdio::inherit());
    command
}

fn body(n: u32) -> Vec<u8> {
    n.to_le_bytes().repeat(50_000)
}

#[tokio::test]
#[ignore = "the other tests start it, each in another part"]
async fn child() {
    let part = std::env::var(PART).unwrap();
    let store = FsStore::open(std::env::var(FOLDER).unwrap()).await.unwrap();
    let put = async |key: &Key, body: Vec<u8>| store.put(key, body.into(), &PutOptions::create()).await;
    match part.as_str() {
        "write until killed" => {
            for n in 0_u32.. {
                put(&Key::from_segments(["files", &n.to_string()]), body(n)).await.unwrap();
                println!("acknowledged {n}");
            }
        }
        "put one" => {
            put(&Key::from_segments(["a", "b", "file"]), body(1)).await.unwrap();
        }
        "put until it works" => {
            let key = Key::from_segments(["a", "b", "file"]);
            let error = put(&key, body(1)).await.unwrap_err();
            assert!(error.is_retryable(), "{error:?}");
            let seen: Vec<_> = store.list(&Prefix::root(), None).try_collect().await.unwrap();
            assert!(seen.is_empty(), "what may not be on the disk got its name: {seen:?}");
            put(&key, body(1)).await.unwrap();
            assert!(store.get(&key, None).await.unwrap() == body(1));
        }
        "fill up" => {
            let small = Key::from_segments(["small"]);
            put(&small, b"was there before".to_vec()).await.unwrap();
            let mut n = 0;
            let error = loop {
                n += 1;
                match put(&Key::from_segments(["files", &n.to_string()]), body(n)).await {
                    Ok(_) => assert!(n < 1000, "it never fills up"),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
            assert_eq!(store.get(&small, None).await.unwrap(), "was there before");
            let sizes: Vec<_> = store.list(&Prefix::root(), None).map_ok(|m| m.size).try_collect().await.unwrap();
            assert_eq!(
                sizes.len(),
                usize::try_from(n).unwrap(),
                "the failed one is not there, the others are: {sizes:?}"
            );
            store.delete(&Key::from_segments(["files", "1"])).await.unwrap();
            put(&Key::from_segments(["files", "again"]), body(n)).await.expect("works again once there is room");
        }
        "write read-only" => {
            let there = Key::from_segments(["there"]);
            assert_eq!(store.get(&there, None).await.unwrap(), "x");
            let error = put(&Key::from_segments(["new", "file"]), body(1)).await.unwrap_err();
            assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
            let error = store.delete(&there).await.unwrap_err();
            assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
        }
        other => panic!("no such part: {other}"),
    }
    println!("child done");
}

#[test]
fn nothing_acknowledged_is_lost_to_a_kill_and_nothing_half_is_seen() {
    if !Need::Setpriv.is_met() {
        return;
    }
    for round in 1..=8 {
        let folder = tempfile::tempdir().unwrap();
        let mut child = child_command(&["setpriv", "--pdeathsig", "KILL"], "write until killed", folder.path());
        let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let acknowledged = |line: String| line.strip_prefix("acknowledged ")?.parse::<u32>().ok();
        let seen = lines.by_ref().filter_map(acknowledged).find(|n| *n >= round * 3).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let last = lines.filter_map(acknowledged).last().unwrap_or(seen);

        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let store = FsStore::open(folder.path()).await.unwrap();
            let metas: Vec<_> = store.list(&Prefix::root(), None).try_collect().await.unwrap();
            // The one that was not acknowledged may be there.
            assert!((last + 1..=last + 2).contains(&u32::try_from(metas.len()).unwrap()), "{last} {metas:?}");
            for meta in metas {
                let n = meta.key.file_name().parse().unwrap();
                assert!(store.get(&meta.key, None).await.unwrap() == body(n), "{} is not whole", meta.key);
            }
        });
    }
}

/// Runs a part in a mount namespace of its own, after `script` has prepared `$1`.
fn in_own_mounts(script: &str, part: &str) {
    if !Need::Mounts.is_met() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = format!("set -e; {script}; shift; exec \"$@\"");
    let place = folder.path().to_str().unwrap();
    let wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", &script, "sh", place];
    let output = child_command(&wrapper, part, folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("child done"), "{said}");
}

#[test]
fn a_full_disk_says_so_and_loses_nothing() {
    in_own_mounts("mount -t tmpfs -o size=2m none $1", "fill up");
}

#[test]
fn a_read_only_disk_says_so() {
    in_own_mounts("mount -t tmpfs none $1; printf x > $1/there; mount -o remount,ro $1", "write read-only");
}

#[test]
fn everything_is_synced_before_it_is_acknowledged() {
    if !Need::Strace.is_met() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    let trace = place.with_extension("trace");
    let calls = "trace=mkdirat,fsync,fdatasync,renameat2,renameat,linkat,unlinkat";
    let wrapper = ["strace", "-f", "-y", "-e", calls, "-o", trace.to_str().unwrap()];
    let output = child_command(&wrapper, "put one", &place).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    let text = fs::read_to_string(&trace).unwrap();
    fs::remove_file(&trace).unwrap();
    // Lines such as `123 fsync(5</tmp/x/a>) = 0`: the call and the paths in it that are below the root.
    let steps: Vec<_> = text
        .lines()
        .filter(|line| line.contains(place.to_str().unwrap()))
        .map(|line| {
            let call = line.split_once(' ').unwrap().1.trim().split('(').next().unwrap();
            let paths: Vec<_> = line
                .split(['<', '>'])
                .filter_map(|part| part.strip_prefix(place.to_str().unwrap()))
                .map(|path| if path.starts_with("/.#tmp/") { "/.#tmp/FILE" } else { path })
                .collect();
            format!("{call} {}", paths.join(" "))
        })
        .collect();
    let expected = [
        "mkdirat ", // a
        "fsync ",
        "mkdirat /a", // a/b
        "fsync /a",
        "mkdirat ", // the temporary folder
        "fsync ",
        "fsync /.#tmp/FILE",
        "renameat2 /.#tmp /a/b",
        "fsync /a/b",
    ];
    assert_eq!(steps, expected, "{text}");
}

#[test]
fn a_sync_that_fails_is_no_success_and_the_next_try_has_another_name() {
    if !Need::Strace.is_met() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    let trace = place.with_extension("trace");
    // The fourth sync of a first write is that of the file, see the test above.
    let fault = ["strace", "-f", "-y", "-e", "trace=openat,fsync", "-e", "inject=fsync:error=EIO:when=4", "-o"];
    let wrapper = [fault.as_slice(), &[trace.to_str().unwrap()]].concat();
    let output = child_command(&wrapper, "put until it works", &place).output().unwrap();
    let text = fs::read_to_string(&trace).unwrap();
    fs::remove_file(&trace).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("child done"), "{said}\n{text}");
    let names: std::collections::BTreeSet<_> =
        text.lines().filter_map(|line| line.rsplit_once("/.#tmp/")?.1.split('>').next()).collect();
    assert_eq!(names.len(), 2, "{text}");
}
