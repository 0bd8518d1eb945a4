//! Moments as Python's `datetime.isoformat` writes them.

use std::time::{Duration, SystemTime};

const DAY: i64 = 86_400;

/// To the microsecond, in UTC: `2026-11-24T02:48:47.381645+00:00`.
pub(super) fn format(time: SystemTime) -> String {
    let micros = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    };
    let (seconds, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let (year, month, day) = date(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00")
}

/// Reads `YYYY-MM-DDThh:mm:ss`, perhaps with a fraction, and with `Z` or an offset `±hh:mm`. Without one it is taken for UTC;
/// Optuna, whose old versions wrote such, takes it for the reader's local time.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (date, rest) = text.split_at_checked(10)?;
    let clock = rest.strip_prefix(['T', ' '])?;
    let (clock, offset) = match clock.find(['Z', '+', '-']) {
        Some(at) => (&clock[..at], offset(&clock[at..])?),
        None => (clock, 0),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day) && self::date(days(year, month, day)).1 == month;
    if !(is_date && hour < 24 && minute < 60 && second < 60) || fraction.len() > 9 || !is_digits(fraction) {
        return None;
    }
    let nanos = format!("{fraction:0<9}").parse().ok()?;
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    let time = if seconds < 0 { epoch.checked_sub(whole) } else { epoch.checked_add(whole) };
    time?.checked_add(Duration::from_nanos(nanos))
}

/// In seconds.
fn offset(text: &str) -> Option<i64> {
    let sign = match text.as_bytes() {
        b"Z" => return Some(0),
        [b'+', ..] => 1,
        _ => -1,
    };
    let [hours, minutes] = fields(&text[1..], ':', [2, 2])?;
    Some(sign * (hours * 3600 + minutes * 60))
}

/// Numbers of so many digits each.
fn fields<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut numbers = [0; N];
    let mut parts = text.split(separator);
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits && is_digits(part))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// From 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that a leap day ends one; 400 of
/// them have 146 097 days, of which 719 468 lie between the 1st of March of year 0 and 1970.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + days_before(month) + day - 1 - 719_468
}

/// In a year from March on, before this month: 31, 30, 31, 30, 31 days repeat.
fn days_before(month: i64) -> i64 {
    (153 * month + 2) / 5
}

/// Year, month and day so many days from 1970-01-01.
fn date(days_since: i64) -> (i64, i64, i64) {
    let days_since_0 = days_since + 719_468;
    // At most one year late or early, for a year of 365.2425 days.
    let mut year = (days_since_0 * 400).div_euclid(146_097);
    while days(year, 3, 1) > days_since {
        year -= 1;
    }
    while days(year + 1, 3, 1) <= days_since {
        year += 1;
    }
    let day = days_since - days(year, 3, 1);
    let month = (5 * day + 2) / 153;
    let day = day - days_before(month) + 1;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_some_centuries_has_one_date() {
        let mut last = date(-200_000);
        for day in -199_999..200_000 {
            let next = date(day);
            assert_eq!(days(next.0, next.1, next.2), day);
            let is_next_day = next.2 == last.2 + 1 && (next.0, next.1) == (last.0, last.1);
            let is_next_month = next.2 == 1 && last.2 >= 28 && (next.0 * 12 + next.1) == (last.0 * 12 + last.1) + 1;
            assert!(is_next_day || is_next_month, "{last:?} {next:?}");
            last = next;
        }
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        let at = |text| parse(text).map(format);
        let same = [
            "2026-11-24T02:48:47.381645+00:00",
            "2000-02-29T23:59:59.000000+00:00",
            "1969-12-31T23:59:59.999999+00:00",
        ];
        for text in same {
            assert_eq!(at(text).as_deref(), Some(text));
        }
        for text in [
            "2026-11-24T04:18:47.5+01:30",
            "2026-11-24 02:48:47.5",
            "2026-11-24T02:48:47.500Z",
            "2026-11-23T23:48:47.5-03:00",
        ] {
            assert_eq!(at(text).as_deref(), Some("2026-11-24T02:48:47.500000+00:00"), "{text}");
        }
        assert_eq!(parse("1970-01-02T00:00:00"), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400)));
        for text in [
            "",
            "2026-11-24",
            "2026-02-29T00:00:00",
            "2026-11-24T24:00:00",
            "2026-1-24T00:00:00",
            "2026-11-24T00:00:00+1",
            "ä026-11-24T00:00:00",
            "2026-11-24T00:00:00.+5",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
