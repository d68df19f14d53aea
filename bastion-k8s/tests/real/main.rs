//! Stories with a real API server: a control plane that they start, or the cluster of the kubeconfig that
//! `BASTION_TEST_KUBECONFIG` names and that may be written to.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod cluster;
mod leader;
mod line;
mod outages;
mod reading;
mod selecting;
mod writing;
