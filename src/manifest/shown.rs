//! Numbers, dates and times as Excel shows them.

use ssfmt::{DateSystem, FormatOptions, NumberFormat};

/// How the cells of one style show a number.
#[derive(Debug)]
pub(super) enum NumberStyle {
    /// With up to fifteen digits.
    General,
    /// As a day, a moment or a time of the day, in the form that is the same everywhere: Excel shows
    /// it by the settings of whoever looks.
    Date,
    /// By a format code.
    Code(NumberFormat),
}

/// The formats of ECMA-376 part 1, section 18.8.30, that show dates by the settings of the system.
fn is_by_locale(id: u32) -> bool {
    matches!(id, 14 | 22 | 27..=36 | 50..=58)
}

impl NumberStyle {
    /// The style of a format code and the number by which Excel knows it.
    pub(super) fn of(code: &str, id: Option<u32>) -> Self {
        if id.is_some_and(is_by_locale) {
            return Self::Date;
        }
        // Times of the day by the settings of the system too.
        let code = match id {
            Some(20) => "hh:mm",
            Some(21) => "hh:mm:ss",
            _ => code,
        };
        match code.trim() {
            "" | "@" => Self::General,
            code if code.eq_ignore_ascii_case("General") => Self::General,
            code => NumberFormat::parse(code).map_or(Self::General, Self::Code),
        }
    }

    /// A number; `is_date` if it stands for days since the epoch.
    pub(super) fn show(&self, number: f64, is_date: bool, is_1904: bool) -> String {
        match self {
            Self::General if !is_date => general(number),
            Self::General | Self::Date => date(number, is_1904),
            Self::Code(format) => {
                let options = FormatOptions {
                    date_system: system(is_1904),
                    ..FormatOptions::default()
                };
                format.format(number, &options).trim().to_owned()
            }
        }
    }
}

fn system(is_1904: bool) -> DateSystem {
    if is_1904 {
        DateSystem::Date1904
    } else {
        DateSystem::Date1900
    }
}

/// Excel keeps fifteen digits: what a sum has behind them is nothing that anybody wrote.
pub(super) fn general(number: f64) -> String {
    let kept = format!("{number:.14e}").parse().unwrap_or(number);
    if kept == 0.0 {
        "0".to_owned()
    } else {
        kept.to_string()
    }
}

fn date(number: f64, is_1904: bool) -> String {
    let code = match (number.trunc() == 0.0, number.fract() == 0.0) {
        (_, true) => "yyyy-mm-dd",
        (true, false) => "hh:mm:ss",
        (false, false) => "yyyy-mm-dd hh:mm:ss",
    };
    let options = FormatOptions {
        date_system: system(is_1904),
        ..FormatOptions::default()
    };
    ssfmt::format(number, code, &options).unwrap_or_else(|_| general(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_excel_shows_them() {
        for (number, code, text) in [
            (42.0, "\"S\"0000", "S0042"),
            (42.0, "0000", "0042"),
            (12345.0, "00-000", "12-345"),
            (0.125, "0.0%", "12.5%"),
            (1234.5, "£#,##0.00", "£1,234.50"),
            (1234.5, "[$€-407] #,##0.00", "€ 1,234.50"),
            (46082.0, "dd/mm/yyyy", "01/03/2026"),
            (46082.0, "d mmmm yyyy", "1 March 2026"),
            (0.395_833_333_333_333_3, "hh:mm", "09:30"),
            (1.104_166_666_666_667, "[h]:mm", "26:30"),
            (0.1 + 0.2, "General", "0.3"),
            (1_000_000_012_345.0, "General", "1000000012345"),
            (-0.0, "General", "0"),
            (7.0, "@", "7"),
        ] {
            let style = NumberStyle::of(code, None);
            assert_eq!(style.show(number, false, false), text, "{code}");
        }
    }

    #[test]
    fn a_date_that_everybody_sees_otherwise_is_shown_in_one_form() {
        let style = NumberStyle::of("mm-dd-yy", Some(14));
        assert_eq!(style.show(46082.0, true, false), "2026-03-01");
        let style = NumberStyle::of("m/d/yy h:mm", Some(22));
        assert_eq!(style.show(46082.5, true, false), "2026-03-01 12:00:00");
    }
}
