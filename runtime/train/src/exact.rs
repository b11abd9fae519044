//! Numbers in JSON that come back with every bit, infinite ones and those that are not numbers included.
//!
//! JSON has no infinity, and its readers may round. Written as text, the shortest digits that tell a number from all
//! others, it is the same number again.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number that is written as text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Exact(pub(crate) f64);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_string())
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Exact).map_err(serde::de::Error::custom)
    }
}

/// For `serde(with)` on a number.
pub(crate) mod number {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        Exact(*value).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Exact::deserialize(deserializer)?.0)
    }
}

/// For `serde(with)` on a number that may be absent.
pub(crate) mod maybe {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(Exact).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<Exact>::deserialize(deserializer)?.map(|exact| exact.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back_with_its_bits() {
        let numbers = [0.1, -0.0, 1.0 / 3.0, 5e-324, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, 2.5e-17];
        for number in numbers {
            let text = serde_json::to_string(&Exact(number)).expect("text");
            let back: Exact = serde_json::from_str(&text).expect("a number");
            assert_eq!(back.0.to_bits(), number.to_bits(), "{text}");
        }
        let back: Exact = serde_json::from_str("\"NaN\"").expect("a number");
        assert!(back.0.is_nan());
        assert!(serde_json::from_str::<Exact>("\"much\"").is_err());
    }
}
