"""Words for the names of made-up companies and rows: a restaurant group's accounts, places and goods."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


FIRST = _words(
    "Harbor,Golden Gate,Juniper,Cedar,Lantern,Blue Heron,Magnolia,Copper,Driftwood,Prairie,Saffron,Old Mill,Red Oak,"
    "Lakeside,Fig & Olive,Northside,Silver Spoon,Wild Thyme,Canyon,Brasserie Zoë"
)
SECOND = _words(
    "Grill,Kitchen,Tavern,Hospitality Group,Bistro,Steakhouse,Cantina,Smokehouse,Oyster Bar,Brewing,Hotels,Bakery,"
    "Trattoria,Supper Club,Catering"
)
ACCOUNTS = _words(
    "Food Sales,Beverage Sales,Beer Sales,Wine Sales,Liquor Sales,Catering Revenue,Delivery Revenue,Gift Card Sales,"
    "Discounts & Comps,Cost of Goods - Meat,Cost of Goods - Seafood,Cost of Goods - Produce,Cost of Goods - Dairy,"
    "Cost of Goods - Bakery,Cost of Goods - Beer,Cost of Goods - Wine,Cost of Goods - Liquor,Paper & Packaging,"
    "Salaries - Management,Wages - Front of House,Wages - Back of House,Overtime,Payroll Taxes,Workers' Compensation,"
    "Health Insurance,Uniforms,Linen & Laundry,China & Glassware,Kitchen Supplies,Cleaning Supplies,Menus & Printing,"
    "Credit Card Fees,Delivery Commissions,Repairs & Maintenance,Equipment Rental,Pest Control,Waste Removal,"
    "Electricity,Natural Gas,Water & Sewer,Telephone & Internet,Rent,Common Area Maintenance,Property Taxes,"
    "General Liability Insurance,Licenses & Permits,Music & Entertainment,Advertising,Social Media,Donations,"
    "Legal & Professional,Accounting Fees,Bank Charges,Software Subscriptions,Travel,Meals & Entertainment,"
    "Depreciation,Amortization,Interest Expense,Operating Cash,Payroll Cash,Petty Cash,Accounts Receivable,"
    "Inventory - Food,Inventory - Bar,Prepaid Insurance,Furniture & Fixtures,Leasehold Improvements,"
    "Accounts Payable,Sales Tax Payable,Accrued Payroll,Gift Card Liability,Line of Credit,Retained Earnings"
)
DEPARTMENTS = _words(
    "Front of House,Back of House,Bar,Banquets,Catering,Pastry,Room Service,Housekeeping,Administration,Marketing,"
    "Purchasing,Maintenance,Valet,Events,Commissary,Retail"
)
CITIES = _words(
    "Portland,Seattle,San Francisco,Oakland,Sacramento,San Diego,Phoenix,Tucson,Denver,Boulder,Austin,Houston,Dallas,"
    "San Antonio,New Orleans,Nashville,Memphis,Atlanta,Savannah,Charleston,Raleigh,Richmond,Baltimore,Philadelphia,"
    "Brooklyn,Boston,Providence,Chicago,Milwaukee,Minneapolis"
)
PROJECTS = _words(
    "Patio Remodel,New Opening,Kitchen Refit,Menu Relaunch,POS Replacement,Holiday Party,Wedding Season,Food Truck,"
    "Roof Repair,HVAC Upgrade,Franchise Pilot,Loyalty Programme,Wine Cellar,Brewery Tour,Farmers' Market"
)
TASKS = _words(
    "Demolition,Framing,Electrical,Plumbing,Flooring,Painting,Furniture,Equipment,Permits,Design,Training,"
    "Opening Stock,Marketing Launch,Inspection,Labor,Material,Subcontract,Overhead"
)
ITEMS = _words(
    "Ribeye 12 oz,Chicken Breast,Ground Beef 80/20,Pork Shoulder,Salmon Fillet,Gulf Shrimp,Oysters (dozen),Romaine,"
    "Heirloom Tomato,Yellow Onion,Russet Potato,Lemons,Limes,Basil,Heavy Cream,Butter,Parmesan,Mozzarella,Eggs (case),"
    "All-Purpose Flour,Sourdough Loaf,Burger Bun,Olive Oil,Fryer Oil,Sea Salt,Black Pepper,House Red,House White,"
    "Pale Ale Keg,Lager Keg,Vodka 1 L,Tequila 750 ml,Espresso Beans,Cola Syrup,To-Go Box,Napkins"
)
VARIANTS = _words(
    "North,South,East,West,Downtown,Airport,Airport II,Waterfront,Lunch,Dinner,Brunch,Bar,Catering,Seasonal,2024,2025,"
    "2026,Legacy,Phase 1,Phase 2,Phase 3,Shared,Corporate,Franchise"
)
SCRIPTS = _words(
    "Café Zoë,Straßenküche,Crème Brûlée,Łódź Pierogi,Smørrebrød,Jalapeño Añejo,Pho Hà Nội,東京ラーメン,北京烤鸭,한식당,"
    "Ćevapi Čačak,Žižkov Pivnice,Gözleme,Ψαροταβέρνα,Пельменная"
)
