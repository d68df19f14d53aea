//! What a process in a pod knows about itself.

use bastion_core::runtime::{Runtime as _, TokioRuntime};

/// Where the kubelet puts the namespace of the pod's service account.
const NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// The namespace of the pod: `POD_NAMESPACE`, or that of its service account. `None` outside of a pod.
pub fn pod_namespace() -> Option<String> {
    std::env::var("POD_NAMESPACE")
        .ok()
        .or_else(|| std::fs::read_to_string(NAMESPACE).ok().map(|namespace| namespace.trim().to_owned()))
}

/// A name for this process as a candidate for a Lease: `POD_NAME`, or the name of the host (of the `program` where that
/// is unknown, too) and a random number.
///
/// Whoever comes with the holder's name gets the Lease at once. So no two processes may share a name, neither beside
/// each other nor one after the other; a process id would not do, since it is always 1 in a container.
pub fn pod_identity(program: &str) -> String {
    let variable = |name| std::env::var(name).ok();
    variable("POD_NAME").unwrap_or_else(|| {
        identity(&variable("HOSTNAME").unwrap_or_else(|| program.to_owned()), TokioRuntime::new().random())
    })
}

fn identity(host: &str, random: u64) -> String {
    format!("{host}_{random:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_of_one_machine_differ() {
        assert_eq!(identity("node-1", 0xc0_ffee), "node-1_0000000000c0ffee");
        let other = || identity("bastion-controller", TokioRuntime::new().random());
        assert_ne!(other(), other());
    }
}
