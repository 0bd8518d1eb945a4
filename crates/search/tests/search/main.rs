//! What searches and decompositions promise.

mod bias_variance;
