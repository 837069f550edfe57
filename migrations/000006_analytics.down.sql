-- Loses: nothing. The sums of sales are counted again from the orders when the step is applied again.
DROP INDEX orders_taken_over_of_organization;
DROP INDEX orders_taken_over;
DROP INDEX orders_by_event;

DROP TABLE money_by_session;
DROP TABLE discounts_by_time;
DROP TABLE sales_by_tier;
DROP TABLE organization_sales_by_time;
DROP TABLE sales_by_time;
