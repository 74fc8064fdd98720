//! What the heap with bins is held to beside its peers, by the geometric means over all traces.

use crate::peer::Peer;
use crate::rows::{Means, Row};

/// A peer, and the most that bins may take of its time. Against all three, bins must be the denser one too.
const BARS: [(Peer, f64); 3] = [(Peer::Talc, 1.1), (Peer::Dlmalloc, 1.0), (Peer::Rlsf, 1.0)];

/// A sentence for each bar that is missed.
pub(crate) fn missed(rows: &[Row]) -> Vec<String> {
    let Means { times, utilizations } = Means::of(rows);
    let mut missed = Vec::new();
    for (peer, most) in BARS {
        let (bins, other) = (Peer::Bins as usize, peer as usize);
        let (ratio, name) = (times[bins] / times[other], peer.name());
        if ratio > most {
            missed.push(format!("bins take {ratio:.3}x the time of {name}, {most}x allowed"));
        }
        if utilizations[bins] <= utilizations[other] {
            let [ours, theirs] = [bins, other].map(|peer| utilizations[peer] * 100.0);
            missed.push(format!("bins are at {ours:.1} % utilisation, {name} at {theirs:.1} %"));
        }
    }
    missed
}
