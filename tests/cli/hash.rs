//! `hash calibrate`: the three permitted costs, measured.

use crate::support::shell::Shell;

#[test]
fn r1_all_three_costs_are_measured_without_a_database() {
    let shell = Shell::empty();
    let points = shell.json("hash calibrate --seconds 1");
    let points = points.as_array().unwrap();
    let costs: Vec<_> =
        points.iter().map(|point| [&point["memory_mib"], &point["passes"]].map(|n| n.as_i64())).collect();
    assert_eq!(costs, [[Some(46), Some(1)], [Some(19), Some(2)], [Some(12), Some(3)]]);
    for point in points {
        let [alone, rate] = ["alone_ms", "per_second"].map(|field| point[field].as_f64().unwrap());
        assert!(alone > 0.0 && rate > 0.0, "{point}");
    }
    let used: Vec<_> = points.iter().filter(|point| point["in_use"] == true).collect();
    assert!(matches!(used[..], [used] if used["memory_mib"] == 12), "{points:?}");
    let most = points.iter().map(|point| point["per_second"].as_f64().unwrap()).fold(0.0, f64::max);
    for point in points.iter().filter(|point| point["fastest"] == true) {
        assert_eq!(point["per_second"].as_f64(), Some(most));
    }
    assert!(points.iter().any(|point| point["fastest"] == true));
    assert_eq!(std::fs::read_dir(shell.folder()).unwrap().count(), 0, "it leaves nothing behind");
}

#[test]
fn calibrate_says_for_people_what_is_in_use() {
    let shell = Shell::empty();
    shell.run("hash calibrate --seconds 1").done().prints("per_second").says("In use: 12 MiB with 3 passes");
    for wrong in ["0", "601", "-1", "soon"] {
        shell.run_all(&["hash", "calibrate", &format!("--seconds={wrong}")]).exits(2).says("--seconds");
    }
}
