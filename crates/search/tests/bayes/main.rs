//! Samplers that learn from past trials: their densities beside Optuna's, and what they find.

mod densities;
mod studies;
