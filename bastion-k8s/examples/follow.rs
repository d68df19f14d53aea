//! Prints what a continuous source sees of one kind: `follow KUBECONFIG configmaps [RESOURCE_VERSION]`.
//! With `kinds` in place of a kind it prints which kinds come and go.
#![allow(clippy::print_stdout)]

use std::{error::Error, time::Instant};

use bastion_core::{object::ResourceVersion, source::Source};
use bastion_k8s::{ConnectOptions, Selection, WatchSource, connect, preview};
use futures::StreamExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kubeconfig, kind, from @ ..] = arguments.as_slice() else {
        return Err("follow KUBECONFIG KIND [RESOURCE_VERSION]".into());
    };
    let client = connect(&ConnectOptions::default().kubeconfig(kubeconfig)).await?;
    let start = Instant::now();
    let mut selection = Selection::all();
    if kind == "kinds" {
        let source = WatchSource::new(client, selection)?;
        let mut changes = source.kinds();
        while let Some(change) = changes.next().await {
            println!("{:8.2?} {change:?}", start.elapsed());
        }
        return Ok(());
    }
    selection.kinds.insert(kind.parse()?);
    let preview = preview(&client, &selection).await?;
    let kind = preview.followed.first().ok_or("no such kind")?;
    let source = WatchSource::new(client, selection)?;
    let mut observations = source.observe(kind, from.first().map(|at| ResourceVersion::new(at.as_str())));
    while let Some(observation) = observations.next().await {
        let text = match observation {
            Ok(bastion_core::source::Observation::Object(o)) => format!("{} at {}", o.id, o.resource_version),
            Ok(other) => format!("{other:?}"),
            Err(error) => format!("{error} ({:?})", error.source),
        };
        println!("{:8.2?} {text}", start.elapsed());
    }
    Ok(())
}
