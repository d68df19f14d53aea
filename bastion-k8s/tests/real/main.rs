//! Stories with a real API server: run with `BASTION_TEST_KUBECONFIG` set to the kubeconfig of a cluster that
//! may be written to. Without it they say so and pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod cluster;
mod leader;
mod line;
mod outages;
mod reading;
mod writing;
