//! Instructions for one object, counted by valgrind: unlike time they do not depend on what else runs. Hashing
//! is left out, for under valgrind it takes a slow path; decoding checks a digest, so its count has some of that.

use std::{io, path::Path, process::Command};

use crate::{
    Result,
    results::{Results, Row},
};

const SIZE: usize = 2 << 10;
/// How many objects are counted: start and end of the program, which differ by chance, must not show.
const OBJECTS: u32 = 4096;

/// What a run of a step took in all, and for how many objects.
struct Count {
    instructions: f64,
    objects: u32,
}

/// Counts every step, as the difference between doing it once and more often; not at all where there is no valgrind.
pub(super) fn count(program: &Path, steps: &[&str], results: &mut Results) -> Result<()> {
    for step in steps.iter().filter(|step| **step != "hash") {
        let Some(once) = run(program, step, 1)? else {
            crate::say("valgrind is not installed: instructions are not counted");
            return Ok(());
        };
        let Some(often) = run(program, step, 1 + OBJECTS / once.objects.max(1))? else { return Ok(()) };
        let each = (often.instructions - once.instructions) / f64::from(often.objects - once.objects);
        results.add(Row::new(format!("micro.{step}.{SIZE:07}.instructions"), each, "instructions"));
    }
    Ok(())
}

fn run(program: &Path, step: &str, times: u32) -> Result<Option<Count>> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    command.args([step, &SIZE.to_string(), &times.to_string()]);
    let output = match command.output() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        output => output?,
    };
    let told = String::from_utf8_lossy(&output.stderr);
    let collected = told.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    let objects = String::from_utf8_lossy(&output.stdout).trim().parse().ok();
    let count = collected.zip(objects).map(|(instructions, objects)| Count { instructions, objects });
    count.map(Some).ok_or_else(|| format!("valgrind on {step}: {told}").into())
}
