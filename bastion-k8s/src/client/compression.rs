//! Whether answers should come compressed.

use std::net::IpAddr;

/// Whether the server is in a network that carries bytes faster than an API server compresses them: about
/// 100 MB a second and core, which a first backup would wait for. Inside a cluster, in a private network, on the
/// same machine. Elsewhere answers are compressed, as they are for kubectl, unless the kubeconfig says
/// `disable-compression`.
pub(super) fn is_near(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        Err(_) => host == "localhost" || host == "kubernetes.default.svc",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_what_no_internet_lies_between() {
        for host in
            ["127.0.0.1", "10.96.0.1", "192.168.49.2", "[::1]", "[fd00::1]", "localhost", "kubernetes.default.svc"]
        {
            assert!(is_near(host), "{host}");
        }
        for host in ["34.1.2.3", "[2a00::1]", "api.example.com", ""] {
            assert!(!is_near(host), "{host}");
        }
    }
}
