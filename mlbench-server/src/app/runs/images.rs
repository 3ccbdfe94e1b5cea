//! The official images of MLBench, with their commands and goals.

use mlbench_core::goal::Direction;

/// An official image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::app) struct OfficialImage {
    /// Its name without a tag.
    pub name: &'static str,
    /// Title for people.
    pub title: &'static str,
    /// Whether it can use GPUs.
    pub gpu: bool,
    /// Goal of the benchmark.
    pub goal: Option<OfficialGoal>,
}

/// The goal of a benchmark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::app) struct OfficialGoal {
    /// The metric.
    pub metric: &'static str,
    /// Whether larger or smaller values are better.
    pub direction: Direction,
    /// Goal of the full benchmark.
    pub full: f64,
    /// Goal of the light benchmark.
    pub light: f64,
}

impl OfficialImage {
    /// The command of every official image.
    pub(super) const COMMAND: &'static str = "/conda/bin/python /codes/main.py --run_id {run_id} --rank {rank} \
                                       --hosts {hosts} --backend {backend}";

    /// Returns the name with its tag, as a cluster pulls it.
    #[must_use]
    pub(super) fn reference(&self) -> String {
        format!("{}:latest", self.name)
    }
}

const fn image(
    name: &'static str,
    title: &'static str,
    gpu: bool,
    goal: Option<OfficialGoal>,
) -> OfficialImage {
    OfficialImage { name, title, gpu, goal }
}

const fn at_least(metric: &'static str, full: f64, light: f64) -> Option<OfficialGoal> {
    Some(OfficialGoal { metric, direction: Direction::AtLeast, full, light })
}

const fn at_most(metric: &'static str, full: f64, light: f64) -> Option<OfficialGoal> {
    Some(OfficialGoal { metric, direction: Direction::AtMost, full, light })
}

pub(in crate::app) const PRECISION: &str = "val_global_Prec@1";
const PERPLEXITY: &str = "val_global_Perplexity";
const BLEU: &str = "val_global_BLEU-Score";

/// All official images.
pub(super) const OFFICIAL_IMAGES: &[OfficialImage] = &[
    image(
        "mlbench/pytorch-cifar10-resnet20-all-reduce",
        "PyTorch Cifar-10 ResNet-20",
        true,
        at_least(PRECISION, 80.0, 70.0),
    ),
    image(
        "mlbench/pytorch-cifar10-resnet20-ddp",
        "PyTorch Cifar-10 ResNet-20 (DDP)",
        true,
        at_least(PRECISION, 80.0, 70.0),
    ),
    image(
        "mlbench/pytorch-epsilon-logistic-regression-all-reduce",
        "PyTorch Linear Logistic Regression",
        true,
        at_least(PRECISION, 89.0, 80.0),
    ),
    image(
        "mlbench/pytorch-wikitext2-lstm-all-reduce",
        "PyTorch Language Modeling (AWD-LSTM)",
        true,
        at_most(PERPLEXITY, 70.0, 90.0),
    ),
    image(
        "mlbench/pytorch-wmt16-gnmt-all-reduce",
        "PyTorch Machine Translation GNMT",
        true,
        at_least(BLEU, 24.0, 20.0),
    ),
    image(
        "mlbench/pytorch-wmt17-transformer-all-reduce",
        "PyTorch Machine Translation Transformer",
        true,
        at_least(BLEU, 25.0, 20.0),
    ),
    image(
        "mlbench/tensorflow-cifar10-resnet",
        "Tensorflow Cifar-10 ResNet-20",
        false,
        at_least(PRECISION, 80.0, 70.0),
    ),
    image("mlbench/pytorch-backend-benchmark", "PyTorch Distributed Backend benchmarking", true, None),
];

/// Finds an official image by name, with or without `:latest`.
#[must_use]
pub(in crate::app) fn official(name: &str) -> Option<&'static OfficialImage> {
    let name = name.strip_suffix(":latest").unwrap_or(name);
    OFFICIAL_IMAGES.iter().find(|image| image.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_official_image_is_found_with_and_without_its_tag() {
        for image in OFFICIAL_IMAGES {
            assert_eq!(official(image.name), Some(image));
            assert_eq!(official(&image.reference()), Some(image));
        }
        assert_eq!(official("mlbench/tensorflow-cifar10-resnet:1.0"), None);
    }

    /// `MLBENCH_WRITE_TYPES=1 cargo test -p mlbench-server images` writes the file again.
    #[test]
    fn the_page_offers_the_same_images() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/dashboard/src/api/images.json");
        let goal = |OfficialGoal { metric, direction, full, light }| serde_json::json!({ "metric": metric, "direction": direction, "full": full, "light": light });
        let image = |image: &OfficialImage| {
            let OfficialImage { name, title, gpu, goal: reach } = *image;
            serde_json::json!({ "name": name, "title": title, "gpu": gpu, "goal": reach.map(goal) })
        };
        let fresh: Vec<_> = OFFICIAL_IMAGES.iter().map(image).collect();
        if std::env::var_os("MLBENCH_WRITE_TYPES").is_some() {
            std::fs::write(path, format!("{}\n", serde_json::to_string_pretty(&fresh).unwrap())).unwrap();
        }
        let checked_in: Vec<serde_json::Value> =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(checked_in, fresh);
    }

    #[test]
    fn a_light_goal_is_easier_than_the_full_one() {
        for goal in OFFICIAL_IMAGES.iter().filter_map(|image| image.goal) {
            let easier = match goal.direction {
                Direction::AtLeast => goal.light < goal.full,
                Direction::AtMost => goal.light > goal.full,
                Direction::Unknown => false,
            };
            assert!(easier, "{goal:?}");
        }
    }
}
