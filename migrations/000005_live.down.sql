DROP FUNCTION number_sale_changes;
DROP TABLE sale_changes, sales_feed, sales_feed_head, sales_totals;
