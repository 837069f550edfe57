-- Loses: nothing. The table is always empty.
DROP TABLE write_trials;
