//! Times as text, in and out: instants as Django REST framework writes and reads them, lengths of time as people type
//! them. Every door and file uses these.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, SecondsFormat, SubsecRound, Timelike, Utc};

use super::ids::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Seconds of `90`, `90s`, `5m`, `24h`, `30d`, `6w`.
pub fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, factor) = match text.chars().last()? {
        's' => (&text[..text.len() - 1], 1),
        'm' => (&text[..text.len() - 1], MINUTE),
        'h' => (&text[..text.len() - 1], HOUR),
        'd' => (&text[..text.len() - 1], DAY),
        'w' => (&text[..text.len() - 1], 7 * DAY),
        _ => (text, 1),
    };
    let number = digits.parse::<u64>().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
    number?.checked_mul(factor)
}

/// A length of time as [`seconds`] reads it, in the largest unit that fits: `5m`, `90s`, `30d`.
pub fn length(seconds: u64) -> String {
    let units = [(DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm')];
    let (size, unit) =
        units.into_iter().find(|(size, _)| seconds >= *size && seconds.is_multiple_of(*size)).unwrap_or((1, 's'));
    format!("{}{unit}", seconds / size)
}

/// An instant as text: `2024-07-13T17:24:33.855512Z`, without the fraction when that is zero.
pub fn written(instant: Timestamp) -> String {
    let format = if instant.timestamp_subsec_micros() == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
    instant.to_rfc3339_opts(format, true)
}

/// Reads an instant; one without a zone is UTC. `None` when it is none between the years 1 and 9999.
pub fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let date = NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()?;
    let rest = text.get(10..)?.strip_prefix(['T', 't', ' '])?;
    let (clock, offset) = split_zone(rest)?;
    let time = ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|format| {
        NaiveDateTime::parse_from_str(&format!("{date} {clock}"), &format!("%Y-%m-%d {format}")).ok()
    })?;
    let sane = time.nanosecond() < 1_000_000_000 && clock.chars().all(|c| c.is_ascii_digit() || ":.".contains(c));
    let instant: DateTime<FixedOffset> = time.and_local_timezone(offset).single()?;
    let instant = instant.with_timezone(&Utc).trunc_subsecs(6);
    (sane && (1..=9999).contains(&instant.year())).then_some(instant)
}

/// The time of day and the zone after it.
fn split_zone(text: &str) -> Option<(&str, FixedOffset)> {
    let utc = FixedOffset::east_opt(0)?;
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Some((clock.trim_end(), utc));
    }
    let Some(at) = text.find(['+', '-']) else { return Some((text, utc)) };
    let (clock, zone) = text.split_at(at);
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits: String = zone[1..].replacen(':', "", 1);
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits.get(2..4).map_or(Some(0), |text| text.parse().ok())?;
    let valid = hours < 24 && minutes < 60;
    let offset = FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))?;
    valid.then_some((clock.trim_end(), offset))
}
