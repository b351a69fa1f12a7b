//! What is new in a JSON value since the last one. Snapshots come ten times a second and hold an hour of history that
//! moves on once a second: a change is a hundredth of the whole.
//!
//! A change is a value itself, so that it can be written and read like any other:
//!
//! | change | means |
//! |---|---|
//! | `{"=": v}` | it is `v` now |
//! | `{"o": {"key": change}, "-": ["key"]}` | an object: these members changed, these are gone |
//! | `{"i": {"3": change}}` | an array of the same length: these elements changed |
//! | `{"a": [front, from, count, back]}` | an array that grew or slid: `front`, then `count` old elements from `from` on, then `back` |

use serde_json::{Map, Value, json};

/// How far an array may have slid between two messages to be seen as one that slid.
const FARTHEST: usize = 64;

/// The change from `old` to `new`; `None` if there is none.
pub(super) fn change(old: &Value, new: &Value) -> Option<Value> {
    if old == new {
        return None;
    }
    Some(match (old, new) {
        (Value::Object(old), Value::Object(new)) => of_object(old, new),
        (Value::Array(old), Value::Array(new)) => of_array(old, new),
        _ => json!({ "=": new }),
    })
}

fn of_object(old: &Map<String, Value>, new: &Map<String, Value>) -> Value {
    let mut changed = Map::new();
    for (key, value) in new {
        let change = match old.get(key) {
            Some(before) => change(before, value),
            None => Some(json!({ "=": value })),
        };
        if let Some(change) = change {
            changed.insert(key.clone(), change);
        }
    }
    let gone: Vec<&String> = old.keys().filter(|key| !new.contains_key(*key)).collect();
    if gone.is_empty() { json!({ "o": changed }) } else { json!({ "o": changed, "-": gone }) }
}

fn of_array(old: &[Value], new: &[Value]) -> Value {
    if old.len() == new.len() {
        let differ: Vec<usize> = (0..new.len()).filter(|&at| old[at] != new[at]).collect();
        if differ.len() * 2 <= new.len() || new.len() <= 4 {
            let changes = differ.iter().filter_map(|&at| Some((at.to_string(), change(&old[at], &new[at])?)));
            return json!({ "i": changes.collect::<Map<_, _>>() });
        }
    }
    // Old elements dropped in front (time series), or new ones put there (newest first).
    let drops = (0..old.len().min(FARTHEST)).map(|from| (from, 0));
    let puts = (1..new.len().min(FARTHEST)).map(|front| (0, front));
    let kept =
        |(from, front): (usize, usize)| old[from..].iter().zip(&new[front..]).take_while(|(a, b)| a == b).count();
    let best = drops.chain(puts).map(|at| (kept(at), at)).max_by_key(|(count, _)| *count);
    match best {
        Some((count, (from, front))) if count * 2 >= new.len() && count > 0 => {
            json!({ "a": [new[..front], from, count, new[front + count..]] })
        }
        _ => json!({ "=": new }),
    }
}

/// Applies a change to `value`.
///
/// # Errors
/// A change that does not fit it: the recording is damaged, or messages before this one are missing.
pub(super) fn apply(value: &mut Value, change: Value) -> Result<(), Misfit> {
    let Value::Object(change) = change else { return Err(Misfit) };
    for (kind, change) in change {
        match (kind.as_str(), change) {
            ("=", whole) => *value = whole,
            ("o", Value::Object(members)) => {
                let object = value.as_object_mut().ok_or(Misfit)?;
                for (key, change) in members {
                    apply(object.entry(key).or_insert(Value::Null), change)?;
                }
            }
            ("-", Value::Array(keys)) => {
                let object = value.as_object_mut().ok_or(Misfit)?;
                for key in keys {
                    object.shift_remove(key.as_str().ok_or(Misfit)?);
                }
            }
            ("i", Value::Object(elements)) => {
                let array = value.as_array_mut().ok_or(Misfit)?;
                for (at, change) in elements {
                    let at: usize = at.parse().map_err(|_| Misfit)?;
                    apply(array.get_mut(at).ok_or(Misfit)?, change)?;
                }
            }
            ("a", Value::Array(parts)) => slide(value.as_array_mut().ok_or(Misfit)?, parts)?,
            _ => return Err(Misfit),
        }
    }
    Ok(())
}

fn slide(array: &mut Vec<Value>, parts: Vec<Value>) -> Result<(), Misfit> {
    let Ok([Value::Array(front), from, count, Value::Array(back)]) = <[Value; 4]>::try_from(parts) else {
        return Err(Misfit);
    };
    let number = |value: Value| value.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or(Misfit);
    let (from, count) = (number(from)?, number(count)?);
    let end = from.checked_add(count).filter(|end| *end <= array.len()).ok_or(Misfit)?;
    array.truncate(end);
    array.splice(..from, front);
    array.extend(back);
    Ok(())
}

/// A change that does not fit what it is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Misfit;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..9u8).prop_map(Value::from),
            "[=oia-]".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map("[=oia3-]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_change_leads_from_one_to_the_other(old in any_value(), new in any_value()) {
            let mut value = old.clone();
            match change(&old, &new) {
                Some(change) => prop_assert_eq!(apply(&mut value, change), Ok(())),
                None => prop_assert_eq!(&old, &new),
            }
            prop_assert_eq!(value, new);
        }

        #[test]
        fn a_change_of_something_else_never_panics(mut value in any_value(), change in any_value()) {
            let _ = apply(&mut value, change);
        }
    }

    #[test]
    fn histories_and_lists_cost_what_is_new_in_them() {
        let old: Vec<u32> = (0..3_600).map(|n| n * n % 1_009).collect();
        let mut series = old[1..].to_vec();
        series.push(7);
        assert_eq!(change(&json!(old), &json!(series)), Some(json!({ "a": [[], 1, 3_599, [7]] })));
        let newest_first = [&[5_000, 5_001][..], &old[..3_598]].concat();
        assert_eq!(change(&json!(old), &json!(newest_first)), Some(json!({ "a": [[5_000, 5_001], 0, 3_598, []] })));
        let mut one = old.clone();
        one[17] = 12;
        assert_eq!(change(&json!(old), &json!(one)), Some(json!({ "i": { "17": { "=": 12 } } })));
    }
}
