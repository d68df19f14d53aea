//! How big files are.

use std::path::{Path, PathBuf};

use crate::files::{read, root, short, sources};

const MAIN: usize = 25;
const MOST: usize = 700;
const MEDIAN: usize = 250;

fn lines(path: &Path) -> usize {
    read(path).lines().count()
}

#[test]
fn files_stay_small() {
    let sources = sources(&root());
    for path in sources.iter().filter(|p| p.ends_with("src/main.rs")) {
        assert!(lines(path) <= MAIN, "{} has {} lines; a main.rs has at most {MAIN}", short(path), lines(path));
    }
    let mut sizes: Vec<(usize, &PathBuf)> = sources.iter().map(|p| (lines(p), p)).collect();
    sizes.sort();
    let (most, path) = sizes.last().unwrap();
    assert!(*most <= MOST, "{} has {most} lines; a file has at most {MOST}", short(path));
    let median = sizes[sizes.len() / 2].0;
    assert!(median <= MEDIAN, "half of all files have more than {median} lines");
}
