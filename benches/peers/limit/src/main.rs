//! What the machine could do at most: multiply-adds with operands in registers, and a pass over memory of AdamW's shape.
//! It answers as a peer does, with the µs in which the work's products, or its optimizer's traffic, would be done.

use pulp::{Arch, Simd, WithSimd};
use std::hint::black_box;
use std::io::BufRead;
use std::time::{Duration, Instant};
use work::Step;

const REPEATS: usize = 100_000;
/// Enough chains of multiply-adds to hide the latency of each; few enough to stay in registers.
const CHAINS: usize = 12;

/// The parts of a run.
const BLOCKS: usize = 9;

/// Multiply-adds in independent chains; the number of floating-point operations.
struct MultiplyAdds;

impl WithSimd for MultiplyAdds {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let (factor, term) = (simd.splat_f32s(black_box(0.5)), simd.splat_f32s(black_box(1.0)));
        let mut sums = [term; CHAINS];
        for _ in 0..REPEATS {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, term);
            }
        }
        let sum = sums.into_iter().reduce(|a, b| simd.add_f32s(a, b)).expect("chains");
        black_box(simd.reduce_sum_f32s(sum));
        (2 * REPEATS * CHAINS * S::F32_LANES) as f64
    }
}

/// Reads p, g, m and v, and writes p, m and v.
struct Pass<'a> {
    p: &'a mut [f32],
    g: &'a [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
}

impl WithSimd for Pass<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [keep_m, take_g, keep_v, take_square] = [0.9, 0.1, 0.999, 0.001].map(|factor| simd.splat_f32s(factor));
        let (p, g) = (S::as_mut_simd_f32s(self.p).0, S::as_simd_f32s(self.g).0);
        let (m, v) = (S::as_mut_simd_f32s(self.m).0, S::as_mut_simd_f32s(self.v).0);
        for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
            // All is read before anything is written: a read must not wait for a write to another array at the same
            // place in its page.
            let (old_p, old_m, old_v) = (*p, *m, *v);
            let new_m = simd.mul_add_f32s(old_m, keep_m, simd.mul_f32s(g, take_g));
            let new_v = simd.mul_add_f32s(old_v, keep_v, simd.mul_f32s(simd.mul_f32s(g, g), take_square));
            *p = simd.sub_f32s(old_p, simd.mul_f32s(new_m, new_v));
            (*m, *v) = (new_m, new_v);
        }
    }
}

/// The parameters' values, gradients and moments that one thread passes over.
struct Share {
    arrays: [Vec<f32>; 4],
}

impl Share {
    fn new(len: usize) -> Self {
        Self { arrays: std::array::from_fn(|_| vec![1e-3; len]) }
    }
}

/// Does a piece of the work; returns how much that was.
fn piece(share: &mut Option<Share>) -> f64 {
    let Some(share) = share else { return Arch::new().dispatch(MultiplyAdds) };
    let [p, g, m, v] = &mut share.arrays;
    Arch::new().dispatch(Pass { p, g, m, v });
    share.arrays[0].len() as f64
}

/// How much all threads do in a second.
fn rate(shares: &mut [Option<Share>], budget: Duration) -> f64 {
    let one = |share: &mut Option<Share>| {
        let (begin, mut done) = (Instant::now(), 0.0);
        while begin.elapsed() < budget {
            done += piece(share);
        }
        done / begin.elapsed().as_secs_f64()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = shares.iter_mut().map(|share| scope.spawn(move || one(share))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    })
}

fn main() {
    let (work, threads) = work::asked();
    let (amount, len) = match work.step {
        Step::Update { tensors, len } => ((tensors * len) as f64, Some(tensors * len / threads)),
        _ => (work.flop(), None),
    };
    let mut shares: Vec<_> = (0..threads).map(|_| len.map(Share::new)).collect();
    work::say("nan 0");
    for line in std::io::stdin().lock().lines() {
        let seconds: f64 = line.expect("text").trim().parse().expect("seconds");
        let block = Duration::from_secs_f64(seconds / BLOCKS as f64);
        let mut times: Vec<_> = (0..BLOCKS).map(|_| amount / rate(&mut shares, block) * 1e6).collect();
        times.sort_by(f64::total_cmp);
        work::say(&format!("{} {}", times[BLOCKS / 2], times[0]));
    }
}
