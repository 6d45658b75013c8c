//! Places in a record, and what must be so of them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// A place in a record: keys and numbers joined by dots, `*` for all elements of a list or a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::agents) struct Place(Vec<String>);

impl Place {
    /// What is there, in order; nothing where a part of the way is missing.
    pub(in crate::agents) fn all<'v>(&self, record: &'v Value) -> Vec<&'v Value> {
        let mut found = vec![record];
        for step in &self.0 {
            found = found.into_iter().flat_map(|value| down(value, step)).collect();
        }
        found
    }

    /// The list or table whose elements it is about, which may have none.
    pub(in crate::agents) fn before_all<'v>(&self, record: &'v Value) -> Option<&'v Value> {
        let way = self.0.iter().take_while(|step| *step != "*").cloned().collect();
        Self(way).one(record)
    }

    /// The first that is there.
    pub(in crate::agents) fn one<'v>(&self, record: &'v Value) -> Option<&'v Value> {
        self.all(record).into_iter().find(|value| !value.is_null())
    }
}

fn down<'v>(value: &'v Value, step: &str) -> Vec<&'v Value> {
    match (value, step) {
        (Value::Array(list), "*") => list.iter().collect(),
        (Value::Object(table), "*") => table.values().collect(),
        (Value::Array(list), _) => step.parse().ok().and_then(|n: usize| list.get(n)).into_iter().collect(),
        _ => value.get(step).into_iter().collect(),
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() || text.split('.').any(str::is_empty) {
            return Err(de::Error::custom(format!("`{text}` is no place; write keys joined by dots, such as `a.b.0`")));
        }
        Ok(Self(text.split('.').map(str::to_owned).collect()))
    }
}

/// The first of the places that is there.
pub(in crate::agents) fn first<'v>(places: &[Place], record: &'v Value) -> Option<&'v Value> {
    places.iter().find_map(|place| place.one(record))
}

/// The first of the places that holds a text with something in it.
pub(in crate::agents) fn text<'v>(places: &[Place], record: &'v Value) -> Option<&'v str> {
    places.iter().flat_map(|place| place.all(record)).filter_map(Value::as_str).find(|text| !text.is_empty())
}

/// The first of the places that holds a number, also as text.
pub(in crate::agents) fn number(places: &[Place], record: &Value) -> Option<f64> {
    let read = |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    places.iter().flat_map(|place| place.all(record)).find_map(read)
}

/// The sum of all that is there.
pub(in crate::agents) fn sum(places: &[Place], record: &Value) -> Option<f64> {
    let numbers: Vec<f64> = places.iter().flat_map(|place| place.all(record)).filter_map(Value::as_f64).collect();
    (!numbers.is_empty()).then(|| numbers.iter().sum())
}

/// What must be so of a record: a test for each of some places.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub(in crate::agents) struct When(BTreeMap<Place, Test>);

impl When {
    pub(in crate::agents) fn holds(&self, record: &Value) -> bool {
        self.0.iter().all(|(place, test)| test.holds(place.one(record)))
    }

    pub(in crate::agents) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What must be so of one value: all that is said.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::agents) struct Test {
    is: Option<Value>,
    more: TestForm,
}

#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct TestForm {
    one_of: Option<Vec<Value>>,
    exists: Option<bool>,
    starts: Option<Vec<String>>,
    from: Option<f64>,
    to: Option<f64>,
    not: Option<Box<Test>>,
}

impl Test {
    fn holds(&self, value: Option<&Value>) -> bool {
        let TestForm { one_of, exists, starts, from, to, not } = &self.more;
        let is = |wanted: &Value| value.is_some_and(|value| same(value, wanted));
        let text = value.and_then(Value::as_str);
        let number = value.and_then(Value::as_f64);
        self.is.as_ref().is_none_or(is)
            && one_of.as_ref().is_none_or(|list| list.iter().any(is))
            && exists.is_none_or(|wanted| wanted == value.is_some_and(is_something))
            && starts.as_ref().is_none_or(|list| text.is_some_and(|text| list.iter().any(|s| text.starts_with(s))))
            && from.is_none_or(|least| number.is_some_and(|n| n >= least))
            && to.is_none_or(|most| number.is_some_and(|n| n <= most))
            && not.as_ref().is_none_or(|test| !test.holds(value))
    }
}

fn same(value: &Value, wanted: &Value) -> bool {
    match (value.as_f64(), wanted.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => value == wanted,
    }
}

/// Nothing is what is missing, null or empty.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(table) => !table.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

impl<'de> Deserialize<'de> for Test {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Test;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a text, a number, true or false, or a table of `one-of`, `exists`, `starts`, `from`, `to`, `not`",
                )
            }
            fn visit_bool<E>(self, value: bool) -> Result<Test, E> {
                Ok(Test { is: Some(value.into()), ..Test::default() })
            }
            fn visit_i64<E>(self, value: i64) -> Result<Test, E> {
                Ok(Test { is: Some(value.into()), ..Test::default() })
            }
            fn visit_f64<E>(self, value: f64) -> Result<Test, E> {
                Ok(Test { is: Some(value.into()), ..Test::default() })
            }
            fn visit_str<E>(self, value: &str) -> Result<Test, E> {
                Ok(Test { is: Some(value.into()), ..Test::default() })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Test, A::Error> {
                let more = TestForm::deserialize(MapAccessDeserializer::new(map))?;
                if more == TestForm::default() {
                    return Err(de::Error::custom("an empty test; say `exists = true` if it only has to be there"));
                }
                Ok(Test { is: None, more })
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn when(text: &str) -> When {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_place_leads_through_tables_lists_and_all_of_them() {
        let place = |text: &str| -> Place { Place::deserialize(json!(text)).unwrap() };
        let record = json!({ "a": [{ "n": 1 }, { "n": 2 }], "t": { "x": { "n": 3 }, "y": { "n": 4 } }, "none": null });
        assert_eq!(place("a.1.n").one(&record), Some(&json!(2)));
        assert_eq!(sum(&[place("a.*.n"), place("t.*.n"), place("missing.*.n")], &record), Some(10.0));
        assert_eq!(sum(&[place("missing.n")], &record), None);
        assert_eq!((place("none").one(&record), place("a.n").one(&record)), (None, None));
        assert!(Place::deserialize(json!("a..b")).is_err());
    }

    #[test]
    fn every_test_can_hold_and_fail() {
        let record = json!({ "type": "error", "n": 503, "m": "unexpected status 401 then", "e": [], "f": false });
        for good in [
            "type = 'error'\nf = false",
            "n = { from = 500, to = 599 }",
            "n = 503",
            "type = { one-of = ['result', 'error'] }",
            "m = { starts = ['a', 'unexpected status '] }",
            "e = { exists = false }\nmissing = { exists = false }\nf = { exists = true }",
            "type = { not = 'result' }\nmissing = { not = { exists = true } }",
        ] {
            assert!(when(good).holds(&record), "{good}");
        }
        for bad in [
            "type = 'result'",
            "n = { from = 504 }",
            "n = { to = 500 }",
            "n = '503'",
            "m = { starts = ['status'] }",
            "e = { exists = true }",
            "missing = { from = 0 }",
            "type = { not = { exists = true } }",
        ] {
            assert!(!when(bad).holds(&record), "{bad}");
        }
        for wrong in ["a = {}", "a = { equals = 1 }", "a = [1]", "'.' = 1"] {
            assert!(toml::from_str::<When>(wrong).is_err(), "{wrong}");
        }
    }
}
