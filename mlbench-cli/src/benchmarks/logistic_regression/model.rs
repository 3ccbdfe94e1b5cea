//! [`Model`]: logistic loss with an L2 penalty, its gradient and the update of the weights.

use std::ops::Range;

use crate::benchmarks::data::Rows;

/// The weights and the buffers of one step.
#[derive(Debug)]
pub(crate) struct Model {
    /// One weight per feature, then the intercept.
    pub(crate) weights: Vec<f64>,
    /// Sum of the gradients of the rows in a batch.
    pub(crate) gradient: Vec<f64>,
    /// Score of each row in a block, replaced by the derivative of the loss with respect to the score.
    scores: Vec<f64>,
}

impl Model {
    /// Returns a model whose weights are 0.
    pub(crate) fn new(features: usize) -> Self {
        Self { weights: vec![0.0; features + 1], gradient: vec![0.0; features + 1], scores: Vec::new() }
    }

    /// Sets the gradient to 0.
    pub(crate) fn clear_gradient(&mut self) {
        self.gradient.fill(0.0);
    }

    /// Computes the score of each row, which is positive for the label 1, and discards earlier scores.
    pub(crate) fn forward(&mut self, rows: &Rows, range: Range<usize>) {
        self.scores.clear();
        rows.multiply(range, &self.weights, &mut self.scores);
    }

    /// Returns the number of scored rows whose score has the sign of their label.
    pub(crate) fn correct(&self, labels: &[f64]) -> usize {
        self.scores.iter().zip(labels).filter(|(score, label)| (**score > 0.0) == (**label > 0.0)).count()
    }

    /// Returns the sum of the losses `ln(1 + exp(-label · score))` of the scored rows, without the penalty.
    ///
    /// It replaces each score by the derivative of the loss.
    pub(crate) fn losses(&mut self, labels: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (score, label) in self.scores.iter_mut().zip(labels) {
            let margin = *score * label;
            // The argument of `exp` is never positive, so the result neither overflows nor loses small
            // losses.
            let power = (-margin.abs()).exp();
            sum += power.ln_1p() + (-margin).max(0.0);
            *score = -label * if margin > 0.0 { power / (1.0 + power) } else { 1.0 / (1.0 + power) };
        }
        sum
    }

    /// Adds the gradient of the rows whose losses were computed.
    pub(crate) fn backward(&mut self, rows: &Rows, range: Range<usize>) {
        rows.add_weighted(range, &self.scores, &mut self.gradient);
    }

    /// Updates the weights by the gradient, a sum over `rows` rows. The intercept has no penalty.
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
    use crate::benchmarks::data::{Shard, Source};
    use crate::benchmarks::ring::testing::in_ring;

    /// Returns the gradient over all training rows, as each of `size` ranks computes it.
    fn full_batch_gradients(size: usize) -> Vec<Vec<f64>> {
        let source = Source::breast_cancer().unwrap();
        in_ring(size, |mut ring| {
            let shard = Shard::of(&source, None, ring.rank(), size).unwrap();
            let mut model = Model::new(source.features());
            for (weight, value) in model.weights.iter_mut().zip(-3_i8..) {
                *weight = f64::from(value) * 0.1;
            }
            let rows = shard.batches[0].rows.clone();
            model.forward(&shard.train, rows.clone());
            model.losses(&shard.train.labels()[rows.clone()]);
            model.backward(&shard.train, rows);
            ring.all_reduce(&mut model.gradient).unwrap();
            model.gradient
        })
    }

    #[test]
    fn four_workers_compute_the_gradient_of_one() {
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
    fn a_very_wrong_score_has_a_finite_loss() {
        let mut rows = Rows::dense(1);
        rows.push_dense(1.0, [-1e9].into_iter());
        let mut model = Model::new(1);
        model.weights[0] = 1.0;
        model.forward(&rows, 0..1);
        assert_eq!(model.correct(rows.labels()), 0);
        assert_eq!(model.losses(rows.labels()), 1e9);
    }
}
