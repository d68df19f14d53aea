//! Times on the screen.

use bastion_sdk::core::time::Timestamp;
use jiff::tz::TimeZone;

/// The current time.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// How long ago, as kubectl writes it: `5s`, `3m20s`, `4h`, `12d`.
pub(crate) fn age(at: Timestamp, now: Timestamp) -> String {
    let s = now.since(at).as_secs();
    let (m, h, d) = (s / 60, s / 3600, s / 86_400);
    match () {
        () if s < 120 => format!("{s}s"),
        () if m < 10 => with(m, "m", s % 60, "s"),
        () if m < 180 => format!("{m}m"),
        () if h < 8 => with(h, "h", m % 60, "m"),
        () if h < 48 => format!("{h}h"),
        () if d < 8 => with(d, "d", h % 24, "h"),
        () if d < 730 => format!("{d}d"),
        () => with(d / 365, "y", d % 365, "d"),
    }
}

fn with(big: u64, big_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 { format!("{big}{big_unit}") } else { format!("{big}{big_unit}{small}{small_unit}") }
}

/// A moment in the zone of the person, to the second.
pub(crate) fn local(at: Timestamp) -> String {
    in_zone(at, TimeZone::system())
}

fn in_zone(at: Timestamp, zone: TimeZone) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(t) => t.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_like_kubectls() {
        let t = Timestamp::from_millis(0);
        let ages: Vec<_> = [5, 119, 200, 3600, 4 * 3600 + 60, 86_400, 3 * 86_400, 30 * 86_400, 800 * 86_400]
            .into_iter()
            .map(|s| age(t, t.plus(std::time::Duration::from_secs(s))))
            .collect();
        assert_eq!(ages, ["5s", "119s", "3m20s", "60m", "4h1m", "24h", "3d", "30d", "2y70d"]);
        assert_eq!(in_zone(t, TimeZone::UTC), "1970-01-01 00:00:00");
    }
}
