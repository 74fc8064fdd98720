//! Where the labels of a picture go.

/// A rectangle of pixels: left, top, right, bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
}

impl Area {
    fn around((x, y): (i32, i32), distance: i32) -> Self {
        Self { left: x - distance, top: y - distance, right: x + distance, bottom: y + distance }
    }

    const fn overlaps(self, other: Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    const fn contains(self, other: Self) -> bool {
        self.left <= other.left
            && self.top <= other.top
            && other.right <= self.right
            && other.bottom <= self.bottom
    }

    /// The point of it that is nearest to `point`.
    pub(super) fn nearest(self, (x, y): (i32, i32)) -> (i32, i32) {
        (x.clamp(self.left, self.right), y.clamp(self.top, self.bottom))
    }
}

/// How far a label may be from its dot, nearest first.
const DISTANCES: [i32; 8] = [8, 16, 28, 44, 64, 88, 116, 150];
/// In which directions: right of it, left of it, above, below, and between these.
const DIRECTIONS: [(i32, i32); 8] = [(1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1)];

/// How much room a dot takes, from its middle.
const DOT: i32 = 6;

/// A place for each label, `sizes` wide and high, beside its dot, within `bounds`: as near as it goes without covering a
/// dot or another label. Should there be no room at all, a label covers what it must.
pub(super) fn place(dots: &[(i32, i32)], sizes: &[(i32, i32)], bounds: Area) -> Vec<Area> {
    let mut taken: Vec<Area> = dots.iter().map(|&dot| Area::around(dot, DOT)).collect();
    let mut placed = Vec::new();
    for (&dot, &size) in dots.iter().zip(sizes) {
        let candidates =
            DISTANCES.iter().flat_map(|&distance| DIRECTIONS.map(|way| beside(dot, size, distance, way)));
        let free = |area: &Area| bounds.contains(*area) && !taken.iter().any(|other| other.overlaps(*area));
        let area =
            candidates.into_iter().find(free).unwrap_or_else(|| beside(dot, size, DISTANCES[0], (1, 0)));
        taken.push(area);
        placed.push(area);
    }
    placed
}

fn beside((x, y): (i32, i32), (width, height): (i32, i32), distance: i32, (right, down): (i32, i32)) -> Area {
    let along = |middle: i32, length: i32, direction: i32| match direction {
        1 => middle + distance,
        -1 => middle - distance - length,
        _ => middle - length / 2,
    };
    let (left, top) = (along(x, width, right), along(y, height, down));
    Area { left, top, right: left + width, bottom: top + height }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Area = Area { left: 0, top: 0, right: 800, bottom: 600 };

    #[test]
    fn labels_of_dots_in_one_spot_do_not_overlap() {
        let dots: Vec<(i32, i32)> = (0..12).map(|number| (400 + number, 300 - number % 3)).collect();
        let placed = place(&dots, &[(80, 16); 12], BOUNDS);
        for (number, area) in placed.iter().enumerate() {
            assert!(BOUNDS.contains(*area), "{area:?}");
            assert!(!placed[..number].iter().any(|other| other.overlaps(*area)), "{placed:?}");
            assert!(!dots.iter().any(|&dot| area.overlaps(Area::around(dot, DOT))), "{area:?}");
        }
    }

    #[test]
    fn a_label_with_room_is_right_of_its_dot() {
        let placed = place(&[(100, 100)], &[(50, 10)], BOUNDS);
        assert_eq!(placed, [Area { left: 108, top: 95, right: 158, bottom: 105 }]);
        // And left of it at the edge.
        assert_eq!(place(&[(790, 100)], &[(50, 10)], BOUNDS)[0].right, 782);
    }
}
