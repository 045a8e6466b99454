//! Dates in templates: the filter `date` and the tests `before` and `after`.
//!
//! Names of months and days are English, as strftime has them. The tables of all languages, which
//! tera's own filter brings, are a fifth of a program.

#![expect(
    clippy::needless_pass_by_value,
    reason = "tera hands arguments over by value"
)]

use jiff::ZonedDateTime;
use jiff::civil::Time;
use jiff::fmt::{strtime, temporal::Pieces};
use jiff::tz::{Offset, TimeZone};
use tera::{Error, Kwargs, State, TeraResult, Value};

/// `{{ day | date(format = "%d %B %Y", timezone = "Europe/London") }}`: a date, with or without a
/// time, in the form of strftime; `2027-03-01` if none is named. The time zone is the value's own,
/// and UTC if it names none.
pub(super) fn date(value: &Value, arguments: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let format = arguments.get::<&str>("format")?.unwrap_or("%Y-%m-%d");
    let zone = arguments.get::<&str>("timezone")?.map(zone).transpose()?;
    let mut moment = moment(value, zone.as_ref())?;
    if let Some(zone) = zone {
        moment = moment.with_time_zone(zone);
    }
    strtime::format(format, &moment).map_err(|error| {
        Error::message(format!(
            "`{format}` is not the form of a date, for example \"%d %B %Y\": {error}"
        ))
    })
}

/// `{% if day is before(other = "2027-03-01") %}`; with `inclusive = true` also on that day.
pub(super) fn is_before(value: &Value, arguments: Kwargs, _: &State<'_>) -> TeraResult<bool> {
    let (one, other, inclusive) = both(value, &arguments)?;
    Ok(one < other || (inclusive && one == other))
}

/// `{% if day is after(other = "2027-03-01") %}`; with `inclusive = true` also on that day.
pub(super) fn is_after(value: &Value, arguments: Kwargs, _: &State<'_>) -> TeraResult<bool> {
    let (one, other, inclusive) = both(value, &arguments)?;
    Ok(one > other || (inclusive && one == other))
}

fn both(value: &Value, arguments: &Kwargs) -> TeraResult<(ZonedDateTime, ZonedDateTime, bool)> {
    let other = moment(arguments.must_get::<&Value>("other")?, None)?;
    let inclusive = arguments.get::<bool>("inclusive")?.unwrap_or(false);
    Ok((moment(value, None)?, other, inclusive))
}

fn zone(name: &str) -> TeraResult<TimeZone> {
    TimeZone::get(name).map_err(|_| {
        Error::message(format!(
            "there is no time zone `{name}`; they are called like Europe/London"
        ))
    })
}

fn moment(value: &Value, usual: Option<&TimeZone>) -> TeraResult<ZonedDateTime> {
    let no_date = || {
        Error::message(format!(
            "`{value}` is not a date, as 2027-03-01 and 2027-03-01T09:30 are"
        ))
    };
    let text = value.as_str().ok_or_else(no_date)?;
    let read = || -> Result<ZonedDateTime, jiff::Error> {
        let pieces = Pieces::parse(text.trim())?;
        let own = pieces.to_time_zone()?;
        let own = own.or_else(|| pieces.to_numeric_offset().map(Offset::to_time_zone));
        let zone = own.or_else(|| usual.cloned()).unwrap_or(TimeZone::UTC);
        let time = pieces.time().unwrap_or(Time::midnight());
        zone.to_zoned_datetime(pieces.date().to_datetime(time))
    };
    read().map_err(|_| no_date())
}

#[cfg(test)]
mod tests {
    use tera::{Context, Tera};

    fn rendered(template: &str) -> Result<String, String> {
        let mut tera = Tera::new();
        tera.register_filter("date", super::date);
        tera.register_test("before", super::is_before);
        tera.register_test("after", super::is_after);
        tera.add_raw_template("t", template).unwrap();
        tera.render("t", &Context::new())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn dates_are_read_with_and_without_time_and_zone() {
        for (template, wanted) in [
            ("{{ '2027-03-01' | date }}", "2027-03-01"),
            (
                "{{ ' 2027-03-01 ' | date(format='%-d %B %Y') }}",
                "1 March 2027",
            ),
            (
                "{{ '2027-03-01T09:30' | date(format='%H:%M %z') }}",
                "09:30 +0000",
            ),
            (
                "{{ '2027-03-01 09:30:00' | date(format='%a %I:%M %p') }}",
                "Mon 09:30 AM",
            ),
            (
                "{{ '2027-07-01T23:30:00Z' | date(timezone='Europe/London') }}",
                "2027-07-02",
            ),
            (
                "{{ '2027-07-01T23:30:00-08:00' | date(format='%d %z') }}",
                "01 -0800",
            ),
            (
                "{{ '2027-07-01T09:00' | date(format='%H:%M %z', timezone='Europe/Berlin') }}",
                "09:00 +0200",
            ),
        ] {
            assert_eq!(rendered(template).as_deref(), Ok(wanted), "{template}");
        }
    }

    #[test]
    fn dates_are_compared() {
        for (condition, wanted) in [
            ("'2027-03-01' is before(other='2027-03-02')", "yes"),
            ("'2027-03-01' is before(other='2027-03-01')", "no"),
            (
                "'2027-03-01' is before(other='2027-03-01', inclusive=true)",
                "yes",
            ),
            (
                "'2027-03-01T01:00+02:00' is after(other='2027-03-01')",
                "no",
            ),
            ("'2027-03-02' is after(other='2027-03-01')", "yes"),
        ] {
            let template = format!("{{% if {condition} %}}yes{{% else %}}no{{% endif %}}");
            assert_eq!(rendered(&template).as_deref(), Ok(wanted), "{condition}");
        }
    }

    #[test]
    fn what_is_no_date_is_reported() {
        for (template, shown) in [
            ("{{ 'soon' | date }}", "`soon` is not a date"),
            ("{{ 20270301 | date }}", "`20270301` is not a date"),
            ("{{ '2027-02-30' | date }}", "`2027-02-30` is not a date"),
            (
                "{{ '2027-03-01' | date(format='%Ö') }}",
                "is not the form of a date",
            ),
            (
                "{{ '2027-03-01' | date(timezone='London') }}",
                "there is no time zone `London`",
            ),
        ] {
            let text = rendered(template).unwrap_err();
            assert!(text.contains(shown), "{template}: {text}");
        }
    }
}
