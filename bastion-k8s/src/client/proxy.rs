//! Whether an API server is reached past the proxy of the environment, after `NO_PROXY`'s usual rules.

use std::net::IpAddr;

/// Whether `no_proxy` (hosts, domains, addresses, networks, `*`; separated by commas) names this host.
pub(crate) fn exempt(no_proxy: &str, host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<IpAddr>().ok();
    // Go's rule, and so kubectl's: the own machine never goes through a proxy.
    if host.eq_ignore_ascii_case("localhost") || address.is_some_and(|a| a.is_loopback()) {
        return true;
    }
    no_proxy.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(entry, |(e, _)| e);
        match (entry, address) {
            ("*", _) => true,
            (_, Some(address)) => within(entry, address),
            (_, None) => {
                let domain = entry.trim_start_matches('*').trim_start_matches('.').to_ascii_lowercase();
                let host = host.to_ascii_lowercase();
                host == domain || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'))
            }
        }
    })
}

fn within(entry: &str, address: IpAddr) -> bool {
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) => (network, bits.parse::<u32>().ok()),
        None => (entry, None),
    };
    let bits_of = |address: IpAddr| match address {
        IpAddr::V4(a) => (u128::from(a.to_bits()) << 96, 32),
        IpAddr::V6(a) => (a.to_bits(), 128),
    };
    let Ok(network) = network.parse::<IpAddr>() else { return false };
    if network.is_ipv4() != address.is_ipv4() {
        return false;
    }
    let ((network, width), (address, _)) = (bits_of(network), bits_of(address));
    let bits = bits.unwrap_or(width).min(width);
    bits == 0 || (network ^ address) >> (128 - bits) == 0
}

#[cfg(test)]
mod tests {
    use super::exempt;

    #[test]
    fn no_proxy_is_read_as_everybody_reads_it() {
        for (no_proxy, host, expected) in [
            ("", "10.0.0.1", false),
            ("", "127.0.0.1", true),
            ("", "localhost", true),
            ("10.0.0.0/8", "10.9.8.7", true),
            ("10.0.0.0/8", "11.9.8.7", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("fd00::/8", "[fd12::1]", true),
            ("example.org", "k8s.example.org", true),
            (".example.org:6443", "k8s.example.org", true),
            ("*.svc, .cluster.local", "kubernetes.default.svc", true),
            ("example.org", "badexample.org", false),
            ("*", "anything", true),
        ] {
            assert_eq!(exempt(no_proxy, host), expected, "{host} in {no_proxy:?}");
        }
    }
}
