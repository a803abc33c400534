//! The windows in which RDS backs up and maintains, as minutes of the week.

use std::ops::Range;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const DAY: u32 = 24 * 60;

const WEEK: u32 = 7 * DAY;

/// A window's first minute, and the one after its last: of the day or the week that it begins in, or of the next.
pub(super) type Window = Range<u32>;

/// A daily window, `hh:mm-hh:mm`; one that ends no later than it begins ends on the next day.
pub(super) fn daily(text: &str) -> Option<Window> {
    let (from, to) = text.split_once('-')?;
    Some(closed(clock(from)?, clock(to)?, DAY))
}

/// A weekly window, `ddd:hh:mm-ddd:hh:mm`.
pub(super) fn weekly(text: &str) -> Option<Window> {
    let moment = |text: &str| {
        let (day, time) = text.split_once(':')?;
        let day = (0..).zip(DAYS).find(|(_, name)| name.eq_ignore_ascii_case(day))?.0;
        Some(day * DAY + clock(time)?)
    };
    let (from, to) = text.split_once('-')?;
    Some(closed(moment(from)?, moment(to)?, WEEK))
}

/// Whether a window of every day and one of every week have a minute in common.
pub(super) fn overlap(daily: &Window, weekly: &Window) -> bool {
    // What goes on after the end of a week does so at the start of the next, which is like this one.
    let weeks = [weekly.clone(), weekly.start + WEEK..weekly.end + WEEK];
    let days = (0..2 * 7 + 1).map(|day| daily.start + day * DAY..daily.end + day * DAY);
    days.into_iter().any(|day| weeks.iter().any(|week| day.start < week.end && week.start < day.end))
}

fn closed(from: u32, to: u32, period: u32) -> Window {
    from..if to > from { to } else { to + period }
}

fn clock(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, below: u32| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|number| is_number && *number < below)
    };
    Some(number(hour, 24)? * 60 + number(minute, 60)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlapping(backup: &str, maintenance: &str) -> bool {
        overlap(&daily(backup).expect("a window"), &weekly(maintenance).expect("a window"))
    }

    #[test]
    fn windows_are_minutes() {
        assert_eq!(daily("02:00-03:30"), Some(120..210));
        assert_eq!(daily("23:45-00:15"), Some(1425..1455));
        assert_eq!(weekly("Tue:00:00-tue:00:30"), Some(1440..1470));
        assert_eq!(weekly("sun:23:45-mon:00:15"), Some(WEEK - 15..WEEK + 15));
        for text in ["2:00-3:00", "24:00-01:00", "02:60-03:00", "02:00", "+2:00-03:00", "mon:02:00-mon:03:00"] {
            assert_eq!(daily(text), None, "{text}");
        }
        for text in ["sunday:03:30-sunday:04:30", "02:00-03:00", "sun:25:00-sun:26:00"] {
            assert_eq!(weekly(text), None, "{text}");
        }
    }

    #[test]
    fn windows_overlap_across_midnight_and_the_end_of_the_week() {
        assert!(overlapping("03:00-04:00", "sun:03:30-sun:04:30"));
        assert!(overlapping("23:30-00:30", "sun:00:00-sun:01:00"));
        assert!(overlapping("23:30-00:30", "mon:00:00-mon:00:30"));
        assert!(overlapping("23:00-23:30", "mon:22:30-tue:01:00"));
        assert!(overlapping("00:00-00:30", "sun:23:45-mon:00:15"));
        assert!(overlapping("23:30-00:00", "sun:23:45-mon:00:15"));
        assert!(!overlapping("02:00-03:00", "sun:03:30-sun:04:30"));
        assert!(!overlapping("02:00-03:00", "sun:03:00-sun:04:00"));
        assert!(!overlapping("00:15-00:45", "sun:23:45-mon:00:15"));
    }
}
