DROP TABLE write_trials;
