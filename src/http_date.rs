//! An HTTP date (RFC 9110, section 5.6.7), in the form that is sent and the two that are only accepted.

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Returns the instant in milliseconds since the epoch, none for what is no such date.
///
/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994` have the
/// same words in two orders, so the words are taken for what they look like.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let (mut day, mut month, mut year, mut time) = (None, None, None, None);
    let words = text.split([' ', ',', '-']).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if let Some(found) = MONTHS.iter().position(|&name| name == word) {
            month = month.xor(Some(u32::try_from(found).ok()? + 1));
        } else if word.contains(':') {
            time = time.xor(Some(seconds_of_day(word)?));
        } else if word.bytes().all(|byte| byte.is_ascii_digit()) {
            let number: u32 = word.parse().ok()?;
            if day.is_none() { day = Some(number) } else { year = year.xor(Some(full_year(word, number)?)) }
        } else if index != 0 && word != "GMT" {
            return None;
        }
    }
    let (day, month) = (day.filter(|day| (1..=31).contains(day))?, month?);
    let days = days_from_epoch(year?, month, day);
    Some(f64::from(days) * 86_400_000.0 + f64::from(time?) * 1000.0)
}

/// Two digits are of this century up to 2069 (RFC 9110 leaves it to the recipient's calendar).
fn full_year(word: &str, number: u32) -> Option<u32> {
    match word.len() {
        4 => Some(number),
        2 if number < 70 => Some(2000 + number),
        2 => Some(1900 + number),
        _ => None,
    }
}

fn seconds_of_day(word: &str) -> Option<u32> {
    let mut parts = word.split(':').map(|part| if part.len() == 2 { part.parse().ok() } else { None });
    let (hour, minute, second): (u32, u32, u32) = (parts.next()??, parts.next()??, parts.next()??);
    let fits = parts.next().is_none() && hour < 24 && minute < 60 && second <= 60;
    fits.then_some(hour * 3600 + minute * 60 + second)
}

/// Counts the days since 1 January 1970 (Howard Hinnant's `days_from_civil`, for years from 0 on).
fn days_from_epoch(year: u32, month: u32, day: u32) -> i32 {
    let year = i32::try_from(year).unwrap_or(0) - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i32::try_from((month + 9) % 12).unwrap_or(0);
    let day_of_year = (153 * month_from_march + 2) / 5 + i32::try_from(day).unwrap_or(1) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_three_forms_are_one_instant() {
        for form in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(parse(form), Some(784_111_777_000.0), "{form}");
        }
        assert_eq!(parse("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0.0));
        assert_eq!(parse("Thu, 29 Feb 2024 23:59:60 GMT"), Some(1_709_251_200_000.0));
        assert_eq!(parse("Sun, 22 Nov 2026 00:00:00 GMT"), Some(1_795_305_600_000.0));
    }

    #[test]
    fn rubbish_is_no_date() {
        for text in [
            "",
            "soon",
            "Sun, 06 Nov 1994",
            "06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CEST",
            "Sun, 06 Nov Nov 1994 08:49:37 GMT",
            "99999999999 Nov 1994 08:49:37",
            "-1",
            "1.5",
            "+5",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
