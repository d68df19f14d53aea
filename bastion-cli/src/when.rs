//! Times on the command line and on the screen.

use std::time::Duration;

use bastion_core::time::Timestamp;
use jiff::{Span, Zoned, civil, tz::TimeZone};

/// Parses `--at`: RFC 3339, a local date or date and time, or how long ago (`2h`, `1d12h`).
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    parse_at(text, &Zoned::now())
}

fn parse_at(text: &str, now: &Zoned) -> Result<Timestamp, String> {
    let text = text.trim();
    let moment = if let Ok(t) = text.parse::<jiff::Timestamp>() {
        t
    } else if let Ok(local) = text.parse::<civil::DateTime>() {
        local.to_zoned(now.time_zone().clone()).map_err(|e| format!("{text:?} is no time here: {e}"))?.timestamp()
    } else if let Some(t) = ago(text, now) {
        t
    } else {
        return Err(format!(
            "{text:?} is no time; write 2026-01-31T12:00:00Z, 2026-01-31 (local time), or how long ago: 90s, 2h, 1d12h"
        ));
    };
    if moment.duration_since(now.timestamp()) > jiff::SignedDuration::from_mins(1) {
        return Err(format!("{text:?} lies in the future"));
    }
    Ok(Timestamp::from_millis(moment.as_millisecond()))
}

fn ago(text: &str, now: &Zoned) -> Option<jiff::Timestamp> {
    let text = text.strip_suffix("ago").unwrap_or(text).trim();
    let span: Span = text.parse().ok()?;
    if span.is_negative() {
        return None;
    }
    Some(now.checked_sub(span).ok()?.timestamp())
}

/// Parses a length of time: `10s`, `2m`, `500ms`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|d| Duration::try_from(d).ok())
        .ok_or_else(|| format!("{text:?} is no length of time; write 500ms, 10s or 2m"))
}

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
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn noon() -> Zoned {
        "2026-03-02T12:00:00+01:00[Europe/Berlin]".parse().unwrap()
    }

    #[test]
    fn a_time_is_absolute_local_or_ago() {
        for (text, want) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000Z"),
            ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.000Z"),
            ("2026-01-31", "2026-01-30T23:00:00.000Z"),
            ("2026-01-31T08:30", "2026-01-31T07:30:00.000Z"),
            ("2026-01-31 08:30:15", "2026-01-31T07:30:15.000Z"),
            ("90s", "2026-03-02T10:58:30.000Z"),
            ("2h", "2026-03-02T09:00:00.000Z"),
            ("2h30m", "2026-03-02T08:30:00.000Z"),
            ("1d", "2026-03-01T11:00:00.000Z"),
            ("1w ago", "2026-02-23T11:00:00.000Z"),
        ] {
            assert_eq!(parse_at(text, &noon()).unwrap().to_string(), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_says_what_would_be() {
        for text in ["", "soon", "-2h", "12", "2026-13-01", "2027-01-01T00:00:00Z"] {
            let e = parse_at(text, &noon()).unwrap_err();
            assert!(e.contains("is no time") || e.contains("in the future"), "{text}: {e}");
        }
    }

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
