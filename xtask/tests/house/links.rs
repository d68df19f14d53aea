//! Links of the pages.

use std::{fs, path::PathBuf};

use crate::files::{read, root};

#[test]
fn every_link_of_the_pages_leads_somewhere() {
    let mut pages: Vec<PathBuf> = fs::read_dir(root()).unwrap().flatten().map(|e| e.path()).collect();
    let crates: Vec<PathBuf> =
        pages.iter().filter(|p| p.join("Cargo.toml").is_file()).map(|p| p.join("README.md")).collect();
    pages.extend(crates);
    pages.extend(fs::read_dir(root().join("docs")).unwrap().flatten().map(|e| e.path()));
    pages.retain(|p| p.extension().is_some_and(|e| e == "md") && p.is_file());
    assert!(pages.len() > 8, "{pages:?}");
    let slug = |heading: &str| -> String {
        let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
        heading.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
    };
    for page in &pages {
        let text = read(page);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") || link.contains(char::is_whitespace) {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            // Links of the crates' own documentation are rustdoc's to check.
            if path.contains("::")
                || (!path.contains('.') && !path.contains('/') && !target.exists() && !path.is_empty())
            {
                continue;
            }
            assert!(target.exists(), "{}: {link} leads nowhere", page.display());
            if !anchor.is_empty() {
                let headings = read(&target);
                let found = headings.lines().any(|line| line.starts_with('#') && slug(line) == anchor);
                assert!(found, "{}: {link}: there is no such heading", page.display());
            }
        }
    }
}
