export {
  addTiers,
  type DiscountSales,
  type SaleChange,
  type SalesTotals,
  saleChanges,
  type TierSales,
  totalOf,
} from './sales.ts';
