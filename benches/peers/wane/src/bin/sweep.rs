//! `sweep DATA.csv EPOCHS alpha=… activation=… batch_size=… learning_rate_init=…`: a grid search in 5 folds over 10-32-1
//! networks. Prints its seconds, and each setting's mean score in the order of scikit-learn's grid.

use std::error::Error;
use std::time::Instant;
use wane::prelude::*;
use wane::search::{GridSearch, KFold, MlpRegressor, ParameterGrid, Setting};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Vec::from_iter(std::env::args().skip(1));
    let [data, epochs, grid @ ..] = &arguments[..] else { return Err("DATA.csv EPOCHS NAME=VALUE,VALUE …".into()) };
    let data = Dataset::<f64>::from_csv(data, "y")?;
    let epochs = epochs.parse()?;
    let settings = grid.iter().try_fold(ParameterGrid::new(), |grid, parameter| parameter_of(grid, parameter))?;
    let make = |setting: &Setting| {
        Ok(MlpRegressor {
            hidden: vec![32],
            activation: if setting.text("activation")? == "tanh" { Activation::Tanh } else { Activation::Relu },
            alpha: setting.float("alpha")?,
            lr: setting.float("learning_rate_init")?,
            batch_size: setting.count("batch_size")?,
            epochs,
            ..Default::default()
        })
    };
    // As many threads as RAYON_NUM_THREADS says.
    let begin = Instant::now();
    let results = GridSearch::new(settings, make).run(&data, &KFold::new(5)?)?;
    println!("{}", begin.elapsed().as_secs_f64());
    results.settings.iter().for_each(|(_, scores)| println!("{}", scores.mean()));
    Ok(())
}

fn parameter_of(grid: ParameterGrid, parameter: &str) -> Result<ParameterGrid, Box<dyn Error>> {
    let (name, values) = parameter.split_once('=').ok_or("a parameter without =")?;
    let values = values.split(',');
    Ok(match name {
        "activation" => grid.values(name, values)?,
        "batch_size" => grid.values(name, values.map(str::parse::<i64>).collect::<Result<Vec<_>, _>>()?)?,
        _ => grid.values(name, values.map(str::parse::<f64>).collect::<Result<Vec<_>, _>>()?)?,
    })
}
