//! Samplers that learn from past trials: their densities beside Optuna's, and what they draw and choose.

mod choices;
mod densities;
mod draws;
