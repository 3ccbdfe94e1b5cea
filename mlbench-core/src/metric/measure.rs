//! Measures: what a list shows of every run, from the metric of the run that represents it.

/// A measure of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// How good its model is.
    Accuracy,
    /// What its training lowers.
    Loss,
}

impl Measure {
    /// Returns how well a metric represents the measure, 0 for the best. `None` if it does not.
    ///
    /// Only metrics of rank 0 and those without a rank do. Among equally good ones, the first by name counts.
    #[must_use]
    pub fn preference(self, name: &str) -> Option<u8> {
        if is_of_another_rank(name) {
            return None;
        }
        let has = |word: &str| contains(name, word);
        let choices: [bool; 3] = match self {
            Self::Accuracy => [
                begins_with_word(name, "val_global_Prec@1"),
                begins(name, "val") && (has("acc") || has("prec")),
                has("acc") || has("prec@1") || has("prec1") || has("bleu"),
            ],
            Self::Loss => {
                [begins_with_word(name, "train_loss"), begins(name, "train") && has("loss"), has("loss")]
            }
        };
        (0..).zip(choices).find_map(|(preference, fits)| fits.then_some(preference))
    }
}

/// Whether a name ends in ` @ ` and a rank other than 0.
fn is_of_another_rank(name: &str) -> bool {
    let rank = name.rsplit_once(" @ ").map(|(_, rank)| rank);
    rank.is_some_and(|rank| rank != "0" && !rank.is_empty() && rank.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a name begins with these words, and no letter, digit or underscore follows.
fn begins_with_word(name: &str, words: &str) -> bool {
    name.strip_prefix(words)
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

/// Whether a name begins with an ASCII word in any letter case.
fn begins(name: &str, word: &str) -> bool {
    name.as_bytes().get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether a name contains an ASCII word in any letter case.
fn contains(name: &str, word: &str) -> bool {
    name.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best<'a>(measure: Measure, names: &[&'a str]) -> Option<&'a str> {
        let fits = names.iter().filter_map(|name| Some((measure.preference(name)?, *name)));
        fits.min().map(|(_, name)| name)
    }

    /// Metrics of a run, and which of them represent it.
    ///
    /// The tests of the page read them too.
    #[derive(serde::Deserialize)]
    struct Case {
        why: String,
        names: Vec<String>,
        accuracy: Option<String>,
        loss: Option<String>,
    }

    #[test]
    fn the_cases_that_the_page_shares_hold() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("measures.json")).unwrap();
        assert!(!cases.is_empty());
        for Case { why, names, accuracy, loss } in cases {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            assert_eq!(best(Measure::Accuracy, &names), accuracy.as_deref(), "{why}");
            assert_eq!(best(Measure::Loss, &names), loss.as_deref(), "{why}");
        }
    }

    #[test]
    fn the_official_metrics_come_before_similar_ones() {
        let accuracy = Measure::Accuracy;
        assert_eq!(accuracy.preference("val_global_Prec@1"), Some(0));
        assert_eq!(accuracy.preference("val_global_Prec@10 @ 0"), Some(1), "it only begins alike");
        assert_eq!(accuracy.preference("Val Accuracy @ 00x"), Some(1));
        assert_eq!(accuracy.preference("BLEU-Score"), Some(2));
        assert_eq!(Measure::Loss.preference("train_loss_ema"), Some(1));
        assert_eq!(Measure::Loss.preference("my loss"), Some(2));
    }
}
