//! Reading values without showing them: serde's own errors quote what was read, and a password may
//! stand in the wrong line.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::secret::Secret;

/// A value of the secrets file, of which errors say the kind that is wanted and no more.
pub(super) trait Unshown: Sized {
    /// The kind that is wanted, in words.
    const WANTED: &'static str;

    /// Takes a text, if that is what is wanted.
    fn of_text(_text: String) -> Option<Self> {
        None
    }

    /// Takes a whole number, if that is what is wanted.
    fn of_number(_number: i64) -> Option<Self> {
        None
    }

    /// Takes a list of texts, if that is what is wanted.
    fn of_list(_list: Vec<String>) -> Option<Self> {
        None
    }
}

impl Unshown for String {
    const WANTED: &'static str = super::TEXT;

    fn of_text(text: String) -> Option<Self> {
        Some(text)
    }
}

impl Unshown for Secret {
    const WANTED: &'static str = super::TEXT;

    fn of_text(text: String) -> Option<Self> {
        Some(Self::new(text))
    }
}

impl Unshown for PathBuf {
    const WANTED: &'static str = super::TEXT;

    fn of_text(text: String) -> Option<Self> {
        Some(text.into())
    }
}

impl Unshown for u16 {
    const WANTED: &'static str = super::NUMBER;

    fn of_number(number: i64) -> Option<Self> {
        number.try_into().ok()
    }
}

impl Unshown for Vec<String> {
    const WANTED: &'static str = super::LIST;

    fn of_list(list: Vec<String>) -> Option<Self> {
        Some(list)
    }
}

/// Reads a value for a field of the secrets file.
pub(super) fn value<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Unshown,
{
    deserializer.deserialize_any(Value(PhantomData)).map(Some)
}

/// Reads a table of the secrets file.
pub(super) fn table<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(UnshownTable(PhantomData))
}

fn other_kind<E: de::Error>(wanted: &str) -> E {
    E::custom(super::must_be(wanted))
}

/// Takes the values that TOML has, and none into an error.
struct Value<T>(PhantomData<T>);

impl<'de, T: Unshown> Visitor<'de> for Value<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WANTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::of_text(text.to_owned()).ok_or_else(|| other_kind(T::WANTED))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        T::of_number(number).ok_or_else(|| other_kind(T::WANTED))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<T, E> {
        Err(other_kind(T::WANTED))
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<T, E> {
        Err(other_kind(T::WANTED))
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<T, E> {
        Err(other_kind(T::WANTED))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<T, E> {
        Err(other_kind(T::WANTED))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<T, E> {
        Err(other_kind(T::WANTED))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
        let mut list = Vec::new();
        while let Some(UnshownText(item)) = items.next_element()? {
            list.push(item);
        }
        T::of_list(list).ok_or_else(|| other_kind(T::WANTED))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<T, A::Error> {
        // A date is a map to serde.
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Err(other_kind(T::WANTED))
    }
}

/// An item of a list.
struct UnshownText(String);

impl<'de> Deserialize<'de> for UnshownText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Value(PhantomData)).map(Self)
    }
}

/// Takes a table, and nothing else into an error.
struct UnshownTable<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for UnshownTable<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(super::TABLE)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<T, E> {
        Err(other_kind(super::TABLE))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<T, E> {
        Err(other_kind(super::TABLE))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<T, E> {
        Err(other_kind(super::TABLE))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<T, E> {
        Err(other_kind(super::TABLE))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<T, E> {
        Err(other_kind(super::TABLE))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Err(other_kind(super::TABLE))
    }
}
