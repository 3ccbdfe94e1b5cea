//! The mathematics: logistic loss with an L2 penalty, its gradient, a step against it.

use std::ops::Range;

use crate::benchmarks::data::Rows;

/// Weights, and room for what a step works out.
#[derive(Debug)]
pub(crate) struct Model {
    /// One weight per feature, then the intercept.
    pub(crate) weights: Vec<f64>,
    /// Sum of the gradients of the rows of a batch.
    pub(crate) gradient: Vec<f64>,
    /// Of each row of a block: its score, afterwards the derivative of its loss by that.
    scores: Vec<f64>,
}

impl Model {
    /// All weights 0.
    pub(crate) fn new(features: usize) -> Self {
        Self { weights: vec![0.0; features + 1], gradient: vec![0.0; features + 1], scores: Vec::new() }
    }

    /// Forgets the gradient of the batch before.
    pub(crate) fn clear(&mut self) {
        self.gradient.fill(0.0);
    }

    /// Works out the score of each row: how far it is on the side of the label 1. Those of other rows are forgotten.
    pub(crate) fn forward(&mut self, rows: &Rows, range: Range<usize>) {
        self.scores.clear();
        rows.multiply(range, &self.weights, &mut self.scores);
    }

    /// How many of the scored rows are on the side of their label.
    pub(crate) fn correct(&self, labels: &[f64]) -> usize {
        self.scores.iter().zip(labels).filter(|(score, label)| (**score > 0.0) == (**label > 0.0)).count()
    }

    /// Sum of the losses `ln(1 + exp(-label · score))` of the scored rows, without the penalty; the scores become their
    /// derivatives.
    pub(crate) fn losses(&mut self, labels: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (score, label) in self.scores.iter_mut().zip(labels) {
            let margin = *score * label;
            // `exp` of what is never positive neither overflows nor loses the small ones.
            let power = (-margin.abs()).exp();
            sum += power.ln_1p() + (-margin).max(0.0);
            *score = -label * if margin > 0.0 { power / (1.0 + power) } else { 1.0 / (1.0 + power) };
        }
        sum
    }

    /// Adds the gradient of the rows whose losses were worked out.
    pub(crate) fn backward(&mut self, rows: &Rows, range: Range<usize>) {
        rows.add_multiples(range, &self.scores, &mut self.gradient);
    }

    /// Goes against the gradient, which is a sum over `rows` rows; the intercept is not penalised.
    pub(crate) fn step(&mut self, rate: f64, l2: f64, rows: usize) {
        let features = self.weights.len() - 1;
        for weight in &mut self.weights[..features] {
            *weight *= 1.0 - rate * l2;
        }
        let rate = rate / rows as f64;
        for (weight, gradient) in self.weights.iter_mut().zip(&self.gradient) {
            *weight -= rate * gradient;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmarks::data::{Share, Source};
    use crate::benchmarks::ring::testing::in_ring;

    /// The gradient over all rows to train on, as `size` workers find it.
    fn full_batch_gradients(size: usize) -> Vec<Vec<f64>> {
        let source = Source::breast_cancer().unwrap();
        in_ring(size, |mut ring| {
            let share = Share::of(&source, None, ring.rank(), size).unwrap();
            let mut model = Model::new(source.features());
            for (weight, value) in model.weights.iter_mut().zip(-3_i8..) {
                *weight = f64::from(value) * 0.1;
            }
            let rows = share.batches[0].rows.clone();
            model.forward(&share.train, rows.clone());
            model.losses(&share.train.labels()[rows.clone()]);
            model.backward(&share.train, rows);
            ring.all_reduce(&mut model.gradient).unwrap();
            model.gradient
        })
    }

    #[test]
    fn four_workers_find_the_full_batch_gradient_of_one() {
        let alone = &full_batch_gradients(1)[0];
        assert!(alone.iter().any(|value| value.abs() > 1.0));
        for gradient in full_batch_gradients(4) {
            for (of_four, of_one) in gradient.iter().zip(alone) {
                assert!((of_four - of_one).abs() <= 1e-9 * of_one.abs().max(1.0), "{of_four} {of_one}");
            }
        }
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let mut rows = Rows::dense(2);
        rows.push_dense(1.0, [0.5, -2.0].into_iter());
        rows.push_dense(-1.0, [3.0, 1.0].into_iter());
        rows.push_dense(1.0, [-1.0, 0.25].into_iter());
        let loss = |weights: &[f64]| {
            let mut model = Model::new(2);
            model.weights.copy_from_slice(weights);
            model.forward(&rows, 0..3);
            let loss = model.losses(rows.labels());
            model.backward(&rows, 0..3);
            (loss, model.gradient)
        };
        let at = [0.3, -0.2, 0.1];
        let (_, gradient) = loss(&at);
        for index in 0..3 {
            let mut near = at;
            near[index] += 1e-6;
            let above = loss(&near).0;
            near[index] -= 2e-6;
            let slope = (above - loss(&near).0) / 2e-6;
            assert!((gradient[index] - slope).abs() < 1e-7, "{index}: {} {slope}", gradient[index]);
        }
    }

    #[test]
    fn a_hopelessly_wrong_score_has_a_finite_loss() {
        let mut rows = Rows::dense(1);
        rows.push_dense(1.0, [-1e9].into_iter());
        let mut model = Model::new(1);
        model.weights[0] = 1.0;
        model.forward(&rows, 0..1);
        assert_eq!(model.correct(rows.labels()), 0);
        assert_eq!(model.losses(rows.labels()), 1e9);
    }
}
