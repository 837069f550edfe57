DROP TABLE tickets;
DROP TABLE orders;
