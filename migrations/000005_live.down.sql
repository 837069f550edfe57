-- Loses: the feed of live sales, so open pages start again. The totals are counted again from the orders.
DROP FUNCTION number_sale_changes;
DROP TABLE sale_changes, sales_feed, sales_feed_head, sales_totals;
