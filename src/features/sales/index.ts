export {
  type DiscountSales,
  type SaleChange,
  type SalesTotals,
  saleChanges,
  type TierSales,
} from './sales.ts';
