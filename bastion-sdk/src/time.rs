//! Times and durations as people write them.
//!
//! ```
//! use bastion_sdk::time;
//!
//! assert!(time::parse("2h")? < time::parse("1h30m")?, "how long ago");
//! assert_eq!(time::parse("2026-01-31T12:00:00Z")?.to_string(), "2026-01-31T12:00:00.000Z");
//! assert_eq!(time::duration("500ms")?.as_millis(), 500);
//! # Ok::<(), time::TimeError>(())
//! ```

use std::time::Duration;

use bastion_core::time::Timestamp;
use jiff::{Span, Zoned, civil};

/// A text that is no time, or no duration. Says what would be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TimeError(String);

/// Reads a moment: RFC 3339, a local date or date and time, or how long ago (`90s`, `2h`, `1d12h`). What lies in the
/// future is refused.
pub fn parse(text: &str) -> Result<Timestamp, TimeError> {
    parse_at(text, &Zoned::now())
}

fn parse_at(text: &str, now: &Zoned) -> Result<Timestamp, TimeError> {
    let text = text.trim();
    let moment = if let Ok(t) = text.parse::<jiff::Timestamp>() {
        t
    } else if let Ok(local) = text.parse::<civil::DateTime>() {
        let here = local.to_zoned(now.time_zone().clone());
        here.map_err(|e| TimeError(format!("{text:?} is not a valid local time: {e}")))?.timestamp()
    } else if let Some(t) = ago(text, now) {
        t
    } else {
        return Err(TimeError(format!(
            "{text:?} is not a time; write 2026-01-31T12:00:00Z, 2026-01-31 (local time), or how long ago: 90s, 2h, 1d12h"
        )));
    };
    if moment.duration_since(now.timestamp()) > jiff::SignedDuration::from_mins(1) {
        return Err(TimeError(format!("{text:?} is in the future")));
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

/// Reads a duration: `10s`, `2m`, `500ms`.
pub fn duration(text: &str) -> Result<Duration, TimeError> {
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|d| Duration::try_from(d).ok())
        .ok_or_else(|| TimeError(format!("{text:?} is not a duration; write 500ms, 10s or 2m")))
}

/// Durations in specs, for serde: `10s`. For a field that must be there.
pub mod required {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de, ser};

    /// Writes `10s`.
    pub fn serialize<S: Serializer>(duration: &Duration, s: S) -> Result<S::Ok, S::Error> {
        let duration = jiff::SignedDuration::try_from(*duration).map_err(ser::Error::custom)?;
        s.collect_str(&format_args!("{duration:#}"))
    }

    /// Reads `10s`.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        super::duration(&String::deserialize(d)?).map_err(de::Error::custom)
    }
}

/// Durations in specs, for serde: `10s`. For an `Option`.
pub mod optional {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Text(#[serde(with = "super::required")] Duration);

    /// Writes `10s`, or nothing.
    pub fn serialize<S: Serializer>(duration: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
        duration.map(Text).serialize(s)
    }

    /// Reads `10s`, or nothing.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Text>::deserialize(d)?.map(|text| text.0))
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
            let e = parse_at(text, &noon()).unwrap_err().to_string();
            assert!(e.contains("is not a time") || e.contains("in the future"), "{text}: {e}");
        }
    }
}
