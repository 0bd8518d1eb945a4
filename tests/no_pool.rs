//! Small steps ask for no thread: the global pool is still to be built after them.

use wane::ndarray::Array2;
use wane::prelude::*;

#[test]
fn small_steps_start_no_pool() {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::seed_from_u64(0));
    let model = Sequential::new().linear(32, 128).relu().linear(128, 128).relu().linear(128, 1);
    let model = model.build(params.root(), &mut rng).unwrap();
    let (x, y) = (Array2::from_elem((64, 32), 0.5_f32), Array2::zeros((64, 1)));
    let mut adamw = AdamW::new(AdamWOptions::default()).unwrap().group(Group::all(&params)).unwrap();
    let (mut tape, mut grads) = (Tape::new(), params.grads());
    for _ in 0..3 {
        let graph = tape.record(&params);
        model.forward(graph.input(&x)).mse_loss(graph.input(&y)).backward(&mut grads);
        adamw.step(&mut params, &grads).unwrap();
    }
    model.predict(&params, x.view()).unwrap();
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("nobody has built it yet");
}
