//! CBOR as the Rust SDK speaks it (rpc-v2-cbor), turned into JSON values and back: one set of types serves both
//! protocols. Timestamps (tag 1) become seconds, as JSON has them; NaN and the infinities become their names.

use aws_smithy_cbor::data::Type;
use aws_smithy_cbor::decode::DeserializeError;
use aws_smithy_cbor::{Decoder, Encoder};
use aws_smithy_types::DateTime;
use serde_json::{Map, Number, Value};

/// Lists and maps inside each other.
const DEPTH: usize = 32;

/// Reads one document.
pub(super) fn read(bytes: &[u8]) -> Result<Value, DeserializeError> {
    let mut decoder = Decoder::new(bytes);
    let value = read_value(&mut decoder, 0)?;
    if decoder.position() == bytes.len() {
        Ok(value)
    } else {
        Err(DeserializeError::expected_end_of_stream(decoder.position()))
    }
}

fn read_value(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value, DeserializeError> {
    if depth > DEPTH {
        return Err(DeserializeError::custom("too many lists and maps inside each other", decoder.position()));
    }
    Ok(match decoder.datatype()? {
        Type::Bool => decoder.boolean()?.into(),
        Type::Null | Type::Undefined | Type::Bytes | Type::BytesIndef => {
            decoder.skip()?;
            Value::Null
        }
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
            decoder.long()?.into()
        }
        Type::F16 | Type::F32 | Type::F64 => number(decoder.double()?),
        Type::String | Type::StringIndef => decoder.string()?.into(),
        Type::Tag => number(decoder.timestamp()?.as_secs_f64()),
        Type::Array | Type::ArrayIndef => {
            let mut left = decoder.list()?;
            let mut items = Vec::new();
            while more(decoder, &mut left)? {
                items.push(read_value(decoder, depth + 1)?);
            }
            Value::Array(items)
        }
        Type::Map | Type::MapIndef => {
            let mut left = decoder.map()?;
            let mut members = Map::new();
            while more(decoder, &mut left)? {
                let name = decoder.string()?;
                members.insert(name, read_value(decoder, depth + 1)?);
            }
            Value::Object(members)
        }
        _ => return Err(DeserializeError::custom("a value that has no place here", decoder.position())),
    })
}

/// Whether a list or map goes on: it says how long it is, or it ends with a mark.
fn more(decoder: &mut Decoder<'_>, left: &mut Option<u64>) -> Result<bool, DeserializeError> {
    match left {
        Some(0) => Ok(false),
        Some(left) => {
            *left -= 1;
            Ok(true)
        }
        None if decoder.datatype()? == Type::Break => {
            decoder.skip()?;
            Ok(false)
        }
        None => Ok(true),
    }
}

fn number(value: f64) -> Value {
    Number::from_f64(value).map_or_else(
        || {
            let name = if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            };
            name.into()
        },
        Value::Number,
    )
}

/// Writes one document. What is called `Timestamp` or `Timestamps` is written as such.
pub(super) fn write(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write_value(&mut encoder, value, false);
    encoder.into_writer()
}

fn write_value(encoder: &mut Encoder, value: &Value, timestamp: bool) {
    match value {
        Value::Null => {
            encoder.null();
        }
        Value::Bool(value) => {
            encoder.boolean(*value);
        }
        Value::Number(number) if timestamp => {
            encoder.timestamp(&DateTime::from_secs_f64(number.as_f64().unwrap_or_default()));
        }
        Value::Number(number) => {
            match number.as_i64() {
                Some(whole) => encoder.long(whole),
                None => encoder.double(number.as_f64().unwrap_or_default()),
            };
        }
        Value::String(text) => {
            encoder.str(text);
        }
        Value::Array(items) => {
            encoder.array(items.len());
            for item in items {
                write_value(encoder, item, timestamp);
            }
        }
        Value::Object(members) => {
            encoder.begin_map();
            for (name, value) in members {
                encoder.str(name);
                write_value(encoder, value, name.starts_with("Timestamp"));
            }
            encoder.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let value = json!({
            "Id": "é", "Values": [1.0, 2.5, -1e300], "Timestamps": [1764093600.0, 0.0], "Count": 7, "Big": i64::MAX,
            "Nested": { "List": [], "Map": {}, "Yes": true, "Nothing": null },
        });
        assert_eq!(read(&write(&value)).unwrap(), value);
    }

    #[test]
    fn indefinite_lengths_tags_and_odd_numbers_are_read() {
        // {_ "a": [_ 1, NaN], "t": 1(1.5)}
        let bytes = [
            0xbf, 0x61, b'a', 0x9f, 0x01, 0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0, 0xff, 0x61, b't', 0xc1, 0xfb, 0x3f, 0xf8,
            0, 0, 0, 0, 0, 0, 0xff,
        ];
        assert_eq!(read(&bytes).unwrap(), json!({ "a": [1, "NaN"], "t": 1.5 }));
    }

    #[test]
    fn hostile_documents_are_refused() {
        let huge = [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        for bytes in [&[][..], &[0x9f], &[0xff], &[0xa0, 0xa0], &[0x81; 1_000], &huge, &[0xbf, 0x01, 0x01, 0xff]] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
