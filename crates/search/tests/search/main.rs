//! What searches, studies and decompositions promise.

mod bayes;
mod bias_variance;
mod cv;
mod study;
