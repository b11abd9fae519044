//! Numbers for people.

use std::time::Duration;

/// `11_689_512` as `11,689,512`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A measured value with about four significant digits.
pub(crate) fn measured(value: f64) -> String {
    match value.abs() {
        v if v != 0.0 && v < 1e-3 => format!("{value:.2e}"),
        v if v >= 1e5 => format!("{value:.3e}"),
        v if v >= 100.0 => format!("{value:.1}"),
        _ => format!("{value:.4}"),
    }
}

/// `1 h 02 min`, `3 min 05 s`, `12 s`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) if s < 10 => format!("{:.1} s", time.as_secs_f64()),
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

/// `1 error`, `2 errors`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!([0, 999, 1000, 11_689_512].map(grouped), ["0", "999", "1,000", "11,689,512"]);
    }

    #[test]
    fn measured_values_keep_four_digits_or_so() {
        assert_eq!([0.0, 0.93251, 2.5025, 123.456].map(measured), ["0.0000", "0.9325", "2.5025", "123.5"]);
        assert_eq!([0.00012, 1.2e6, -3e-7].map(measured), ["1.20e-4", "1.200e6", "-3.00e-7"]);
    }

    #[test]
    fn durations_use_two_units() {
        let text = |s: f64| duration(Duration::from_secs_f64(s));
        assert_eq!([0.25, 12.0, 185.0, 3725.0].map(text), ["0.2 s", "12 s", "3 min 05 s", "1 h 02 min"]);
    }
}
