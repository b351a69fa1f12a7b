//! Borrowed reading of JSON objects with errors that name the path of a field.
//!
//! Derived structs would take arrays for objects and say nothing of the path; these visitors do neither. Messages that
//! begin with `.` or `[` are paths under construction: each level puts itself in front.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Unexpected, Visitor};

/// Puts `key` in front of the path of an error.
pub(super) fn within<E: de::Error>(key: &str, error: E) -> E {
    let inner = error.to_string();
    let colon = if inner.starts_with(['.', '[']) { "" } else { ": " };
    E::custom(format_args!(".{key}{colon}{inner}"))
}

/// Puts the position in a list in front of the path of an error.
pub(super) fn within_item<E: de::Error>(index: usize, error: E) -> E {
    let inner = error.to_string();
    let colon = if inner.starts_with(['.', '[']) { "" } else { ": " };
    E::custom(format_args!("[{index}]{colon}{inner}"))
}

/// A type error about a string that does not quote the string: it may be a prompt.
pub(super) fn not_a_string<E: de::Error>(expected: &dyn de::Expected) -> E {
    E::invalid_type(Unexpected::Other("a string"), expected)
}

/// A string, borrowed unless it holds escapes.
#[derive(Default)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Visit)
    }
}

/// An output limit: a whole number that fits the service's 32-bit integer.
pub(super) struct Count(pub(super) u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Count;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 1 to 2147483647")
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Count, E> {
                if (1..=i32::MAX as u64).contains(&n) {
                    Ok(Count(n))
                } else {
                    Err(E::invalid_value(Unexpected::Unsigned(n), &self))
                }
            }
            fn visit_str<E: de::Error>(self, _: &str) -> Result<Count, E> {
                Err(not_a_string(&self))
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

/// A list whose errors name the position.
pub(super) struct List<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Visit<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<List<T>, A::Error> {
                items(seq).map(List)
            }
            fn visit_str<E: de::Error>(self, _: &str) -> Result<List<T>, E> {
                Err(not_a_string(&self))
            }
        }
        deserializer.deserialize_any(Visit(std::marker::PhantomData))
    }
}

/// All items of a list, errors naming the position.
pub(super) fn items<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(mut seq: A) -> Result<Vec<T>, A::Error> {
    let mut items = Vec::new();
    while let Some(item) = seq.next_element().map_err(|e| within_item(items.len(), e))? {
        items.push(item);
    }
    Ok(items)
}

/// Declares an object of optional members (`null` counts as absent), unknown ones ignored, repeated ones refused.
macro_rules! object {
    ($(#[$doc:meta])* $name:ident<$a:lifetime>: $what:literal { $($field:ident: $key:literal => $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Default)]
        pub(super) struct $name<$a> {
            $(pub(super) $field: Option<$type>,)*
            /// Borrows nothing where no member does.
            pub(super) lifetime: std::marker::PhantomData<&$a ()>,
        }

        impl<'de: $a, $a> serde::de::Deserialize<'de> for $name<$a> {
            fn deserialize<D: serde::de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visit<$a>(std::marker::PhantomData<&$a ()>);
                impl<'de: $a, $a> serde::de::Visitor<'de> for Visit<$a> {
                    type Value = $name<$a>;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($what)
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name<$a>, A::Error> {
                        let mut object = $name::default();
                        while let Some(key) = map.next_key::<$crate::families::object::Text<'de>>()? {
                            match &*key.0 {
                                $($key => {
                                    if object.$field.is_some() {
                                        return Err(serde::de::Error::custom(concat!(".", $key, ": is given twice")));
                                    }
                                    object.$field =
                                        map.next_value().map_err(|e| $crate::families::object::within($key, e))?;
                                })*
                                _ => {
                                    map.next_value::<serde::de::IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(object)
                    }
                    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<$name<$a>, E> {
                        Err($crate::families::object::not_a_string(&self))
                    }
                }
                deserializer.deserialize_any(Visit(std::marker::PhantomData))
            }
        }
    };
}
pub(super) use object;
