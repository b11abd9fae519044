//! Labels that name classes.

use crate::EngineError;

/// Refuses labels that name none of so many classes.
///
/// # Errors
/// With the first such label.
pub fn check_labels(labels: &[i32], classes: i32) -> Result<(), EngineError> {
    match labels.iter().find(|label| !(0..classes).contains(*label)) {
        None => Ok(()),
        Some(label) => Err(EngineError::Label { label: *label, classes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_lie_from_0_to_one_below_the_number_of_classes() {
        assert!(check_labels(&[0, 9, 3], 10).is_ok() && check_labels(&[], 10).is_ok());
        for label in [10, -1, i32::MAX, i32::MIN] {
            let error = check_labels(&[3, label], 10).expect_err("names no class").to_string();
            assert_eq!(error, format!("label {label} names none of 10 classes, 0 to 9"));
        }
    }
}
