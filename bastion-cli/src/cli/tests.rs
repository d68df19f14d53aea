//! The command line as a whole. `docs/cli.md` is the snapshot of its help: to renew it after a change, run
//! the tests with `BASTION_BLESS=1` and read the difference.

#![allow(clippy::unwrap_used)]

use std::{ffi::OsString, fmt::Write as _, path::PathBuf};

use super::*;

fn parse_words(words: &[&str]) -> Result<Cli, clap::Error> {
    parse(words.iter().map(OsString::from))
}

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

/// Help of every verb, as Markdown.
fn reference() -> String {
    let mut text = String::from(
        "# Command-line reference\n\nThe output of `bastion help` for every command; a test keeps this page up to date. See \
         [operations.md](operations.md) for storage, permissions, exit codes and troubleshooting.\n",
    );
    let mut command = Cli::command().term_width(100);
    command.build();
    section(&mut text, &mut command, "bastion");
    for verb in command.get_subcommands_mut() {
        if verb.get_name() == "help" {
            continue;
        }
        let name = format!("bastion {}", verb.get_name());
        section(&mut text, verb, &name);
        for inner in verb.get_subcommands_mut() {
            if inner.get_name() != "help" {
                section(&mut text, inner, &format!("{name} {}", inner.get_name()));
            }
        }
    }
    text
}

fn section(text: &mut String, command: &mut clap::Command, name: &str) {
    // The arguments of every verb are shown once, on top.
    if name != "bastion" {
        for heading in ["Repository and cluster", "Output"] {
            let global: Vec<_> = command
                .get_arguments()
                .filter(|a| a.get_help_heading() == Some(heading))
                .map(|a| a.get_id().clone())
                .collect();
            for id in global {
                *command = command.clone().mut_arg(id, |a| a.hide(true));
            }
        }
    }
    let help = command.clone().term_width(100).render_long_help().to_string();
    let lines: Vec<_> = help.trim_end().lines().map(str::trim_end).collect();
    write!(text, "\n## {name}\n\n```text\n{}\n```\n", lines.join("\n")).unwrap();
}

#[test]
fn clap_is_content() {
    Cli::command().debug_assert();
}

#[test]
fn the_reference_is_what_help_prints() {
    let path = docs("cli.md");
    let now = reference();
    if std::env::var_os("BASTION_BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let then = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(then == now, "docs/cli.md is not what --help prints; run this test with BASTION_BLESS=1 and look");
}

#[test]
fn the_plugin_says_how_it_was_called() {
    let usage = |name: &str| {
        let mut command = command_named(Some(name.as_ref()));
        command.build();
        command.find_subcommand_mut("ls").unwrap().render_usage().to_string()
    };
    assert_eq!(usage("/usr/local/bin/kubectl-bastion"), "Usage: kubectl bastion ls [OPTIONS] [OBJECT]...");
    assert_eq!(usage("bastion"), "Usage: bastion ls [OPTIONS] [OBJECT]...");
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for words in [
        &["bastion", "backup", "--all", "-n", "shop"][..],
        &["bastion", "ls", "-n", "shop", "-A"],
        &["bastion", "show"],
        &["bastion", "show", "cm", "a", "--at", "2h", "--revision", "3"],
        &["bastion", "restore", "--map-namespace", "shop"],
        &["bastion", "ls", "--at", "soon"],
        &["bastion", "deletions", "accept"],
        &["bastion", "history", "cm/a", "--patch", "-o", "json"],
        &["bastion", "diff", "cm/a", "--drop", "spec.replicas"],
        &["bastion", "nonsense"],
    ] {
        let error = parse_words(words).unwrap_err();
        assert_eq!(error.exit_code(), i32::from(crate::exit::Exit::Usage as u8), "{words:?}: {error}");
    }
}

#[test]
fn kubectls_habits_are_understood() {
    for words in [
        &["bastion", "get", "deploy,svc", "-n", "shop", "-o", "wide"][..],
        &["bastion", "ls", "-A", "-l", "app=web", "-o", "name"],
        &["bastion", "show", "deploy/web", "-n", "shop", "-o", "json"],
        &["bastion", "show", "deploy", "web", "--context", "lab", "--kubeconfig", "/tmp/k"],
        &["bastion", "restore", "-A", "--conflict", "update", "-y"],
        &["bastion", "backup", "-n", "shop,mail", "-k", "cm", "-l", "a=b"],
        &["bastion", "watch", "--all", "--no-tree", "-vv", "--commit-interval", "10s"],
        &["bastion", "diff", "cm/a", "--from", "3", "--to", "2h"],
        &["bastion", "diff", "deploy/a", "--drop", "Deployment.apps:spec.replicas"],
        &["bastion", "history", "cm/a", "--patch"],
        &["bastion", "backup", "--all", "--exclude-kinds", "pods,events", "--exclude-namespaces", "kube-system"],
    ] {
        if let Err(e) = parse_words(words) {
            panic!("{words:?}: {e}");
        }
    }
}
