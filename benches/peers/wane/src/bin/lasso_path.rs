//! wane's side of `lasso_path.py`: tells the path that it finds, one line an alpha (alpha, then the weights), and then, for
//! each line with a number of seconds, the median milliseconds of as many paths as fit in them.

use std::error::Error;
use std::io::BufRead;
use std::time::Instant;
use wane::linear::{PathOptions, path};
use wane::ndarray::Axis;
use wane::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("usage: lasso_path DIABETES.CSV")?;
    let data = Dataset::<f64>::from_csv(file, "progression")?;
    let data = data.scale_x(&StandardScaler::fit(data.x())?)?;
    let (x, y) = (data.x(), data.y().index_axis_move(Axis(1), 0));
    let options = PathOptions { l1_ratio: 1.0, ..Default::default() };

    let found = path(x, y, &options)?;
    for (alpha, fit) in found.alphas.iter().zip(&found.fits) {
        let weights = Vec::from_iter(fit.weights.iter().map(f64::to_string));
        println!("{alpha} {}", weights.join(" "));
    }
    for line in std::io::stdin().lock().lines() {
        let seconds: f64 = line?.trim().parse()?;
        let (begin, mut times) = (Instant::now(), Vec::new());
        while times.is_empty() || begin.elapsed().as_secs_f64() < seconds {
            let begin = Instant::now();
            std::hint::black_box(path(x, y, &options)?);
            times.push(begin.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        println!("{}", 1e3 * times[times.len() / 2]);
    }
    Ok(())
}
